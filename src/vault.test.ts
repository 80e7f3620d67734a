import { expect, test } from "bun:test"
import { Vault } from "./vault"

const vault = new Vault("0f".repeat(32))

test("what was sealed opens in its place, and two seals of one text differ", () => {
  const [a, b] = [vault.seal("cf-token", "owned_domains/a"), vault.seal("cf-token", "owned_domains/a")]
  expect(a).not.toBe(b)
  expect(a).not.toContain("cf-token")
  expect(vault.open(a, "owned_domains/a")).toBe("cf-token")
})

test("another row, a changed byte and a cut value are broken; another key is told apart", () => {
  const sealed = vault.seal("secret", "row/1")
  const flipped = sealed.slice(0, -4) + (sealed.at(-4) === "A" ? "B" : "A") + sealed.slice(-3)
  expect(() => vault.open(sealed, "row/2")).toThrow("does not open")
  expect(() => vault.open(flipped, "row/1")).toThrow("does not open")
  expect(() => vault.open(`${vault.keyId}.AAAA`, "row/1")).toThrow("too short")
  expect(() => new Vault("1f".repeat(32)).open(sealed, "row/1")).toThrow(/sealed with key [0-9a-f]{8}, this is key/)
})

test.each(["", "abc", "0f".repeat(31), "zz".repeat(32)])("%p is no key", (key) => {
  expect(() => new Vault(key)).toThrow("64 hexadecimal")
})
