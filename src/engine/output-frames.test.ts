import { expect, test } from "bun:test"
import { unframed } from "./output-frames"
import { PullProgress } from "./pull-progress"
import { parseUsage } from "./usage"

const frame = (stream: number, text: string) => {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

async function read(bytes: Uint8Array, size: number): Promise<string> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const out: Uint8Array[] = []
  for await (const part of unframed(pieces())) out.push(part)
  return Buffer.concat(out).toString()
}

test("frames come apart however they are cut", async () => {
  const bytes = Buffer.concat([frame(1, "one\n"), frame(2, ""), frame(2, "twö\n"), frame(1, "x".repeat(300))])
  for (const size of [1, 2, 3, 7, 8, 9, 64, 1000]) expect(await read(bytes, size)).toBe(`one\ntwö\n${"x".repeat(300)}`)
})

test("what is no frame is refused", async () => {
  expect(read(Buffer.from("plain text, not framed at all"), 64)).rejects.toThrow("not framed")
})

test("progress is summed over the layers, and does not go back while they are unpacked", () => {
  const progress = new PullProgress()
  expect(progress.note({ status: "Pulling from x" })).toBeUndefined()
  expect(progress.note({ id: "a", status: "Downloading", progressDetail: { current: 25, total: 100 } })).toBe(0.25)
  expect(progress.note({ id: "b", status: "Downloading", progressDetail: { current: 100, total: 100 } })).toBe(0.625)
  expect(progress.note({ id: "b", status: "Extracting", progressDetail: { current: 1, total: 100 } })).toBe(0.625)
  expect(progress.note({ id: "a", status: "Pull complete" })).toBe(1)
  expect(progress.note({ id: "c", status: "Already exists" })).toBe(1)
})

test("counts that the host does not keep are undefined, and the loopback is nobody's traffic", () => {
  expect(parseUsage(undefined)).toBeUndefined()
  expect(parseUsage({})).toEqual({
    cpuMs: undefined,
    memoryBytes: undefined,
    receivedBytes: undefined,
    sentBytes: undefined,
    processes: undefined,
  })
  const networks = { lo: { rx_bytes: 9, tx_bytes: 9 }, eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } }
  const memory_stats = { usage: 100, stats: { inactive_file: 30 } }
  expect(parseUsage({ cpu_stats: { cpu_usage: { total_usage: 5e6 } }, memory_stats, networks, pids_stats: { current: 3 } })).toEqual({
    cpuMs: 5,
    memoryBytes: 70,
    receivedBytes: 11,
    sentBytes: 22,
    processes: 3,
  })
})
