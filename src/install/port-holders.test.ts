import { expect, test } from "bun:test"
import { refuseTakenPorts } from "./port-holders"

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") })
const port = server.port ?? 0

test("the holder is named with its process, and the setting that would move us", () => {
  expect(() => refuseTakenPorts([{ setting: "https_listen", host: undefined, port }])).toThrow(
    new RegExp(`^port ${port} is held by \\S+.* \\(process ${process.pid}.*--https-listen, or https_listen in /etc/freehold/freehold.toml`),
  )
  expect(() => refuseTakenPorts([{ setting: "http_listen", host: undefined, port: 1 }])).not.toThrow()
})
