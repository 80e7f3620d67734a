import { connect } from "node:net"
import type { Socket } from "node:net"
import type { ServerChannel, TcpipRequestInfo } from "ssh2"
import { ChannelOutput } from "./channel-output"

const connectLimitMs = 10_000

/**
 * Where a forwarded port leads: to the container's own address, by whatever of its names was asked for. Undefined for every other
 * destination, since the gateway stands in a network that the client may not see.
 */
export function forwardTarget(
  asked: Pick<TcpipRequestInfo, "destIP" | "destPort">,
  container: { containerId: string; address: string | undefined },
): { host: string; port: number } | undefined {
  const { containerId, address } = container
  const name = asked.destIP.toLowerCase()
  const isOwn = ["localhost", "127.0.0.1", "::1", containerId, address].includes(name)
  const isPort = Number.isInteger(asked.destPort) && asked.destPort >= 1 && asked.destPort <= 65_535
  return isOwn && isPort && address !== undefined ? { host: address, port: asked.destPort } : undefined
}

/** Opens the connection behind a forwarded port; throws what the system says when nobody listens there. */
export function dial(target: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const timer = setTimeout(() => socket.destroy(new Error("no answer")), connectLimitMs)
  socket.once("connect", () => resolve(socket))
  socket.once("error", reject)
  return promise.finally(() => {
    clearTimeout(timer)
    socket.off("error", reject)
    // Without a listener a late fault would be nobody's.
    socket.on("error", () => {})
  })
}

/** Carries bytes both ways, each end by itself, until both have ended or one is gone; then both are closed and `onEnd` is called. */
export function join(channel: ServerChannel, upstream: Socket, client: Socket, onEnd: () => void): () => void {
  const output = new ChannelOutput(channel, client)
  let isOver = false
  let ends = 0
  const close = () => {
    if (isOver) return
    isOver = true
    output.close()
    upstream.destroy()
    channel.end()
    channel.close()
    onEnd()
  }
  const ended = () => {
    if (++ends === 2) close()
  }
  channel.on("data", (bytes: Buffer) => {
    if (!upstream.write(bytes)) channel.pause()
  })
  upstream.on("drain", () => channel.resume())
  upstream.on("data", (bytes: Buffer) => {
    if (!output.write(bytes)) upstream.pause()
  })
  output.onRoom = () => upstream.resume()
  channel.on("end", () => {
    upstream.end()
    ended()
  })
  upstream.on("end", () => {
    // `end` would close the channel for both directions.
    void output.flush().then(() => {
      channel.eof()
      ended()
    })
  })
  channel.on("close", close)
  channel.on("error", close)
  upstream.on("close", () => void output.flush().then(close))
  return close
}
