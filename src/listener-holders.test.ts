import { expect, test } from "bun:test"
import { listenerHolders } from "./listener-holders"

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") })
const port = server.port ?? 0

test.each([
  ["every address", undefined, 1],
  ["the same address", "127.0.0.1", 1],
  ["another address", "127.0.0.2", 0],
  ["an address of the other family", "::1", 0],
])("a listener that wants %s: %p", (_, host, count) => {
  expect(listenerHolders([{ host, port }])).toHaveLength(count)
})
