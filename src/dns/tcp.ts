import { connect } from "node:net"

/** What is thrown where no reply came; `noRoute` where this host cannot even send. */
export class NoReply extends Error {
  constructor(
    message: string,
    readonly noRoute = false,
  ) {
    super(message)
    this.name = "NoReply"
  }
}

const noRouteCodes = new Set(["ENETUNREACH", "EAFNOSUPPORT", "EADDRNOTAVAIL", "EHOSTUNREACH"])

/** A network fault as a NoReply that says in words what it was. */
export function noReplyOf(error: unknown): NoReply {
  if (error instanceof NoReply) return error
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  if (noRouteCodes.has(code)) return new NoReply("this host has no route to it", true)
  return new NoReply(code === "ECONNREFUSED" ? "connection refused" : error instanceof Error ? error.message || error.name : String(error))
}

/**
 * Sends one message over TCP (RFC 7766: two octets of length, then the message) and answers with the first that comes back. Throws NoReply after
 * `timeoutMs`, when the signal says, and for whatever the network does; leaves no socket. The host may be a name.
 */
export async function exchangeOverTcp(
  to: { host: string; port: number },
  sent: Uint8Array,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const onAbort = () => reject(new NoReply("no reply before the look-up ended"))
  if (options.signal.aborted) throw new NoReply("no reply before the look-up ended")
  const timer = setTimeout(() => reject(new NoReply(`no reply within ${options.timeoutMs} ms`)), options.timeoutMs)
  options.signal.addEventListener("abort", onAbort)
  const socket = connect(to)
  let received = Buffer.alloc(0)
  socket.on("connect", () => socket.write(Buffer.concat([Buffer.from([sent.length >>> 8, sent.length & 0xff]), sent])))
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) resolve(received.subarray(2, 2 + received.readUInt16BE(0)))
  })
  socket.on("error", (error) => reject(noReplyOf(error)))
  socket.on("close", () => reject(new NoReply("the connection was closed")))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener("abort", onAbort)
    socket.destroy()
  }
}
