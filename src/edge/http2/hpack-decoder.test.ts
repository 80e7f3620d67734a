import { expect, test } from "bun:test"
import { HpackDecoder } from "./hpack-decoder"
import { HpackError } from "./hpack-table"

const ample = { listBytes: 65_536, count: 1000 }
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ""), "hex")
const decode = (decoder: HpackDecoder, block: string) =>
  decoder.decode(hex(block), ample).fields.map(({ name, value }) => `${name}: ${value}`)

test.each([
  ["C.2.1", "400a6375 73746f6d 2d6b6579 0d637573 746f6d2d 68656164 6572", "custom-key: custom-header", true],
  ["C.2.2", "040c2f73 616d706c 652f7061 7468", ":path: /sample/path", false],
  ["C.2.3", "10087061 7373776f 72640673 65637265 74", "password: secret", false],
  ["C.2.4", "82", ":method: GET", false],
])("RFC 7541 %s is decoded, and stored where it says so", (_, block, line, isStored) => {
  const decoder = new HpackDecoder()
  expect(decode(decoder, block)).toEqual([line])
  if (isStored) expect(decode(decoder, "be")).toEqual([line])
  else expect(() => decode(decoder, "be")).toThrow(HpackError)
})

const request = (scheme: string, path: string, ...more: string[]) => [
  ":method: GET",
  `:scheme: ${scheme}`,
  `:path: ${path}`,
  ":authority: www.example.com",
  ...more,
]
const requests = [
  request("http", "/"),
  request("http", "/", "cache-control: no-cache"),
  request("https", "/index.html", "custom-key: custom-value"),
]
const date = (second: number) => `date: Mon, 21 Oct 2013 20:13:${second} GMT`
const location = "location: https://www.example.com"
const cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
const responses = [
  [":status: 302", "cache-control: private", date(21), location],
  [":status: 307", "cache-control: private", date(21), location],
  [":status: 200", "cache-control: private", date(22), location, "content-encoding: gzip", cookie],
]
const requestTable = ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"]
const responseTable = [cookie, "content-encoding: gzip", date(22)]
/** The examples of C.5 and C.6 have a table of 256 bytes, which is said by a table size update. */
const SIZE_256 = "3fe101"

test.each([
  [
    "C.3",
    requests,
    requestTable,
    [
      "82868441 0f777777 2e657861 6d706c65 2e636f6d",
      "828684be 58086e6f 2d636163 6865",
      "828785bf 400a6375 73746f6d 2d6b6579 0c637573 746f6d2d 76616c75 65",
    ],
  ],
  [
    "C.4",
    requests,
    requestTable,
    ["82868441 8cf1e3c2 e5f23a6b a0ab90f4 ff", "828684be 5886a8eb 10649cbf", "828785bf 408825a8 49e95ba9 7d7f8925 a849e95b b8e8b4bf"],
  ],
  [
    "C.5",
    responses,
    responseTable,
    [
      `${SIZE_256} 48033330 32580770 72697661 7465611d 4d6f6e2c 20323120 4f637420 32303133 2032303a 31333a32 3120474d 546e1768 74747073
       3a2f2f77 77772e65 78616d70 6c652e63 6f6d`,
      "48033330 37c1c0bf",
      `88c1611d 4d6f6e2c 20323120 4f637420 32303133 2032303a 31333a32 3220474d 54c05a04 677a6970 7738666f 6f3d4153 444a4b48 514b425a
       584f5157 454f5049 55415851 57454f49 553b206d 61782d61 67653d33 3630303b 20766572 73696f6e 3d31`,
    ],
  ],
  [
    "C.6",
    responses,
    responseTable,
    [
      `${SIZE_256} 48826402 5885aec3 771a4b61 96d07abe 941054d4 44a82005 95040b81 66e082a6 2d1bff6e 919d29ad 171863c7 8f0b97c8 e9ae82ae
       43d3`,
      "4883640e ffc1c0bf",
      `88c16196 d07abe94 1054d444 a8200595 040b8166 e084a62d 1bffc05a 839bd9ab 77ad94e7 821dd7f2 e6c7b335 dfdfcd5b 3960d5af 27087f36
       72c1ab27 0fb5291f 95873160 65c003ed 4ee5b106 3d5007`,
    ],
  ],
])("RFC 7541 %s is decoded block by block, and leaves the table that it says", (_, lists, table, blocks) => {
  const decoder = new HpackDecoder()
  expect(blocks.map((block) => decode(decoder, block))).toEqual(lists)
  expect(decode(decoder, "bebfc0")).toEqual(table)
  expect(() => decode(decoder, "c1")).toThrow(HpackError)
})

test.each([
  ["80", "index 0"],
  ["be", "an index past the static table, the other being empty"],
  ["ffff7f", "an index far out of range"],
  ["ffffffffff07", "an index above 2^31 - 1"],
  ["ffffffffffff", "an integer without end"],
  ["ff808080808000", "an integer of six continuation bytes"],
  ["ff", "an integer cut short"],
  ["ff80", "an integer cut short after a continuation byte"],
  ["7f8001", "a literal whose name's index is out of range"],
  ["40", "a literal without a name"],
  ["400161", "a literal without a value"],
  ["40056161", "a name that is cut short"],
  ["4001610261", "a value that is cut short"],
  ["04ffffffffff07", "a string longer than 2^31"],
  ["0481ff", "a Huffman string of padding alone"],
  ["048118", "a Huffman string padded with zeros"],
  ["0484fffffffc", "a Huffman string with EOS"],
  ["3fe21f", "a table above the maximum"],
  ["823fe101", "a table size update after a field"],
])("%s is refused: %s", (block) => {
  expect(() => decode(new HpackDecoder(), block)).toThrow(HpackError)
})

test("a table may be emptied and enlarged again at the start of a block, up to our setting", () => {
  const decoder = new HpackDecoder(8192)
  decode(decoder, "4001610162")
  expect(decode(decoder, "203fe13f4001630164be")).toEqual(["c: d", "c: d"])
  expect(() => decode(decoder, "bf")).toThrow("index 63")
  expect(() => decode(new HpackDecoder(8192), "3fe23f")).toThrow("8193")
})

test("an indexed field is the very same object each time", () => {
  const decoder = new HpackDecoder()
  const [stored, again] = decoder.decode(hex("4001610162be"), ample).fields
  expect(again).toBe(stored!)
  expect(decoder.decode(hex("be82"), ample).fields[0]).toBe(stored!)
})

test.each([
  ["count", { listBytes: 65_536, count: 2 }],
  ["bytes", { listBytes: 80, count: 100 }],
])("fields beyond the %s are dropped, but the table goes on", (_, limits) => {
  const decoder = new HpackDecoder()
  const { fields, tooLarge } = decoder.decode(hex("4001610162 4001630164 4001650166 04022f61 82"), limits)
  expect(tooLarge).toBe(true)
  expect(fields.map((field) => field.name)).toEqual(["a", "c"])
  expect(decode(decoder, "bebfc0")).toEqual(["e: f", "c: d", "a: b"])
})

test("limits that are just met are kept", () => {
  expect(new HpackDecoder().decode(hex("4001610162 4001630164"), { listBytes: 68, count: 2 })).toMatchObject({ tooLarge: false })
})

test("a fault beyond the limits is a fault all the same", () => {
  const none = { listBytes: 0, count: 0 }
  for (const fault of ["0481ff", "0f7f00", "80", "0001", "3fe101"])
    expect(() => new HpackDecoder().decode(hex(`82${fault}`), none)).toThrow(HpackError)
})

test("a bomb of references to one large entry builds nothing", () => {
  const decoder = new HpackDecoder()
  const large = Buffer.concat([hex("400161 7fa11e"), Buffer.alloc(4000, "x"), Buffer.alloc(16_000, 0xbe)])
  const { fields, tooLarge } = decoder.decode(large, { listBytes: 16_384, count: 100 })
  expect([tooLarge, fields.length]).toEqual([true, 4])
})

test("texts longer than the decoder's own buffer are decoded whole, with the code and without", () => {
  // Eight times the code of "0" makes five zero bytes.
  const coded = Buffer.concat([hex("04ffe906"), Buffer.alloc(1000)])
  const plain = Buffer.concat([hex("047fe906"), Buffer.alloc(1000, "x")])
  const { fields } = new HpackDecoder().decode(Buffer.concat([coded, plain]), ample)
  expect(fields.map((field) => field.value)).toEqual(["0".repeat(1600), "x".repeat(1000)])
})

test.each([
  ["ff80ffffff07", "is in no table"],
  ["ff80ffffff0f", "above 2^31 - 1"],
  ["ffffffffff7f", "above 2^31 - 1"],
  ["ff808080808000", "more than 5 continuation bytes"],
])("%s is refused for the integer itself: %s", (block, why) => {
  expect(() => decode(new HpackDecoder(), block)).toThrow(why)
})
