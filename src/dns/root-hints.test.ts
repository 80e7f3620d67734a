import { expect, test } from "bun:test"
import { ianaRoots, parseRoots } from "./root-hints"

test("the public roots are thirteen names with two addresses each", () => {
  expect(new Set(ianaRoots.map(({ name }) => name)).size).toBe(13)
  expect(ianaRoots).toHaveLength(26)
})

test("addresses are read with and without a port", () => {
  expect(parseRoots("127.0.0.1:5300, [::1]:53,[2001:db8::1],192.0.2.1,::1").map(({ address, port }) => [address, port])).toEqual([
    ["127.0.0.1", 5300],
    ["::1", 53],
    ["2001:db8::1", 53],
    ["192.0.2.1", 53],
    ["::1", 53],
  ])
})

test("a hints file is read", () => {
  const file =
    "; hints\n.  3600000  NS  A.ROOT-SERVERS.NET.\nA.ROOT-SERVERS.NET. 3600000 IN A 198.41.0.4\nA.ROOT-SERVERS.NET. 3600000 AAAA 2001:503:ba3e::2:30 ; v6\n"
  expect(parseRoots(file)).toEqual([
    { name: "a.root-servers.net", address: "198.41.0.4", port: 53 },
    { name: "a.root-servers.net", address: "2001:503:ba3e::2:30", port: 53 },
  ])
})

test.each([
  ["", '"" is not a root server'],
  ["127.0.0.1,ns.example", '"ns.example" is not a root server'],
  ["127.0.0.1:0", "the port must be 1 to 65535"],
  ["127.0.0.1:99999", "the port must be 1 to 65535"],
  ["[127.0.0.1]:53", "is not a root server"],
  ["a.root. A 1.2.3.4\nb.root. TXT x", "line 2 of the root hints is not"],
  ["a.root. A 1.2.3\n", 'line 1 of the root hints: "1.2.3" is not an address'],
  ["; nothing\n", "hold no address"],
])("%p is refused with what is wrong", (text, message) => {
  expect(() => parseRoots(text)).toThrow(expect.objectContaining({ code: "invalid", message: expect.stringContaining(message) }))
})
