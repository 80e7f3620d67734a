import { Random } from "./random"

// Packets for a DNS server: queries that are whole, the same with octets changed, sections swapped, counts that lie and compression that leads astray, and noise.

/** One packet of a fuzz; a seed and an index make it. `isResponse` is what its header says, where it is long enough to have one. */
export type DnsPacket = { bytes: Buffer; name: string; isResponse: boolean }

const labels = ["", "a", "net", "ingress", "ns", "acme", "_acme-challenge", "none", "*", "x".repeat(63), "\u0000", "a.b", "\\", "NeT"]
const types = [
  0, 1, 1, 2, 5, 6, 12, 15, 16, 16, 16, 16, 16, 16, 28, 41, 43, 46, 48, 65, 249, 250, 251, 252, 253, 255, 256, 257, 32_769, 65_535,
]
const classes = [1, 1, 1, 1, 1, 0, 3, 4, 254, 255, 65_535]
const sizes = [0, 100, 511, 512, 513, 1232, 1233, 4096, 65_535]

/** `zones` are names that are there, and that most others lie below. */
export function dnsPacket(seed: number, index: number, zones: string[]): DnsPacket {
  const random = new Random(seed, index)
  let bytes = random.oneIn(12) ? noise(random, random.below(600)) : query(random, zones)
  for (let changes = random.oneIn(3) ? 0 : 1 + random.below(4); changes > 0; changes--) bytes = changed(random, bytes)
  return { bytes, name: `${seed}/${index}`, isResponse: bytes.length > 2 && (bytes[2]! & 0x80) !== 0 }
}

function query(random: Random, zones: string[]): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(random.below(65_536), 0)
  const opcode = random.oneIn(10) ? random.below(16) : 0
  header.writeUInt16BE((opcode << 11) | (random.oneIn(3) ? random.below(65_536) & 0x07ff : 0x0100) | (random.oneIn(15) ? 0x8000 : 0), 2)
  const questions = random.oneIn(12) ? random.below(4) : 1
  header.writeUInt16BE(questions, 4)
  const sections: Buffer[] = [header]
  for (let at = 0; at < questions; at++) sections.push(question(random, zones))
  for (const place of [6, 8]) {
    const count = random.oneIn(15) ? random.below(3) : 0
    header.writeUInt16BE(count, place)
    for (let at = 0; at < count; at++) sections.push(record(random, zones))
  }
  const options = random.oneIn(10) ? random.below(3) : random.below(2)
  header.writeUInt16BE(options, 10)
  for (let at = 0; at < options; at++) sections.push(opt(random))
  return Buffer.concat(sections)
}

function name(random: Random, zones: string[]): Buffer {
  // Astray: a pointer to anywhere, forwards, to itself.
  if (random.oneIn(20)) return Buffer.from([0xc0 | random.below(64), random.below(256)])
  if (random.oneIn(3)) return octetsOf(random.pick(zones).split("."))
  const parts = Array.from({ length: random.below(4) }, () => random.pick(labels)).filter((label) => label !== "")
  const text = [...parts, ...(random.oneIn(8) ? ["example", "org"] : random.pick(zones).split("."))]
  return octetsOf(text, random.oneIn(25) ? Buffer.from([0xc0, 12]) : undefined)
}

const octetsOf = (text: string[], end: Buffer = Buffer.from([0])) =>
  Buffer.concat([...text.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])), end])

function question(random: Random, zones: string[]): Buffer {
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(random.pick(types), 0)
  tail.writeUInt16BE(random.pick(classes), 2)
  return Buffer.concat([name(random, zones), tail])
}

function record(random: Random, zones: string[]): Buffer {
  const data = noise(random, random.below(40))
  const fixed = Buffer.alloc(6)
  fixed.writeUInt32BE(random.below(2 ** 31), 0)
  fixed.writeUInt16BE(random.oneIn(6) ? random.below(65_536) : data.length, 4)
  return Buffer.concat([question(random, zones), fixed, data])
}

function opt(random: Random): Buffer {
  const data = random.oneIn(3) ? noise(random, random.below(60)) : Buffer.alloc(0)
  const fixed = Buffer.alloc(11)
  fixed.writeUInt16BE(41, 1)
  fixed.writeUInt16BE(random.pick(sizes), 3)
  fixed[5] = random.oneIn(10) ? random.below(256) : 0
  fixed[6] = random.oneIn(8) ? random.below(256) : 0
  fixed.writeUInt16BE(random.oneIn(2) ? 0x8000 : random.below(65_536), 7)
  fixed.writeUInt16BE(data.length, 9)
  return Buffer.concat([fixed, data])
}

function changed(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1)
  switch (random.below(6)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes, noise(random, random.below(30))])
    case 2:
      return Buffer.concat([bytes.subarray(0, at), noise(random, 1 + random.below(4)), bytes.subarray(at)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at + 1 + random.below(4), bytes.length))])
    default: {
      const copy = Buffer.from(bytes)
      for (let times = 1 + random.below(3); times > 0 && copy.length > 0; times--) {
        copy[random.below(copy.length)] = random.oneIn(4) ? 0xc0 : random.below(256)
      }
      return copy
    }
  }
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}
