import * as http2 from "node:http2"
import type { Peer, Stage } from "./edge.fixture"
import { FrameLog } from "./http2-client.fixture"
import { Flag, FrameType } from "./http2/frame"
import { HpackEncoder } from "./http2/hpack-encoder"
import { frame } from "./http2/session.fixture"
import type { Upstream } from "./route-table"

/** An h2c server of node's on port 0. */
export async function h2cServer(
  stage: Stage,
  onStream: (stream: http2.ServerHttp2Stream, fields: http2.IncomingHttpHeaders) => void,
  options: http2.ServerOptions = {},
): Promise<{ upstream: Upstream; sessions: Set<http2.ServerHttp2Session>; accepted: () => number }> {
  const server = http2.createServer(options)
  const sessions = new Set<http2.ServerHttp2Session>()
  let accepted = 0
  server.on("session", (session) => {
    accepted++
    sessions.add(session)
    session.on("error", () => {})
    session.on("close", () => sessions.delete(session))
  })
  server.on("stream", (stream: http2.ServerHttp2Stream, fields) => {
    stream.on("error", () => {})
    onStream(stream, fields)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  stage.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === "object" && address ? address.port : 0
  return { upstream: { host: "127.0.0.1", port, protocol: "h2c" }, sessions, accepted: () => accepted }
}

/** An h2c upstream that a test plays frame by frame; what follows the preface of each connection is in its log. */
export async function scripted(
  stage: Stage,
  onFrames: (log: FrameLog, send: (...frames: Buffer[]) => void, index: number, peer: Peer) => void,
) {
  const logs: FrameLog[] = []
  const raw = await stage.raw((peer, index) => {
    const log = new FrameLog()
    logs.push(log)
    let preface = 24
    const send = (...frames: Buffer[]) => void peer.socket.write(Buffer.concat(frames))
    peer.socket.on("data", (chunk: Buffer) => {
      log.add(chunk.subarray(preface))
      preface = Math.max(0, preface - chunk.length)
      onFrames(log, send, index, peer)
    })
  })
  return { upstream: { ...(raw.upstream as { host: string; port: number }), protocol: "h2c" as const }, logs, peers: raw.peers }
}

/** A response head of its own, which needs no table. */
export const head = (id: number, text: Record<string, string>, end = true) => {
  const target = Buffer.alloc(4096)
  const fields = Object.entries(text).map(([name, value]) => ({ name, value }))
  const flags = Flag.END_HEADERS | (end ? Flag.END_STREAM : 0)
  return frame(FrameType.HEADERS, flags, id, target.subarray(0, new HpackEncoder(0).encode(fields, target, 0)))
}

/** Answers a connection once, not again for every chunk that arrives. */
export function answerOnce(log: FrameLog, answer: () => void): void {
  if (log.answered) return
  log.answered = true
  answer()
}
