import { expect, test } from "bun:test"
import { huffmanBytes, huffmanDecode, huffmanRoom, huffmanWrite } from "./huffman"

const encode = (text: string) => {
  const target = Buffer.alloc(huffmanBytes(text))
  expect(huffmanWrite(text, target, 0)).toBe(target.length)
  return target
}

const decode = (code: Buffer) => {
  const target = Buffer.alloc(huffmanRoom(code.length))
  const length = huffmanDecode(code, 0, code.length, target)
  return length < 0 ? "refused" : target.toString("latin1", 0, length)
}

test.each([
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-key", "25a849e95ba97d7f"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["302", "6402"],
  ["private", "aec3771a4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
  ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
  ["", ""],
])("%p has the code of RFC 7541 appendix C, both ways", (text, code) => {
  expect(encode(text).toString("hex")).toBe(code)
  expect(decode(Buffer.from(code, "hex"))).toBe(text)
})

test("every byte comes back, alone and beside every other", () => {
  for (let a = 0; a < 256; a++) {
    expect(decode(encode(String.fromCharCode(a)))).toBe(String.fromCharCode(a))
    for (let b = 0; b < 256; b++) {
      const pair = String.fromCharCode(a, b, a)
      if (decode(encode(pair)) !== pair) throw new Error(`bytes ${a}, ${b}, ${a} came back otherwise`)
    }
  }
})

test.each([
  ["ff", "8 bits of padding alone"],
  ["1fff", "11 bits of padding"],
  ["18", "padding of zeros"],
  ["1e", "padding with a zero at its end"],
  ["fffffffc", "EOS, at the end"],
  ["1ffffffffc", "EOS after a symbol"],
  ["fffffffffffffffc", "EOS twice"],
  ["ffffff", "a code that is cut short"],
  ["00000001", "a symbol that is cut short"],
])("%s is refused: %s", (code) => expect(decode(Buffer.from(code, "hex"))).toBe("refused"))
