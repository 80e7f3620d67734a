import { randomInt } from "node:crypto"
import { isIPv6 } from "node:net"
import { describeError } from "../errors"
import { exchangeOverTcp, noReplyOf } from "./tcp"
import { decodeMessage, encodeMessage, type Message, message, type Question, rcodes, UDP_SIZE } from "./wire"

/** One address of one name server. */
export type Endpoint = { server: string; address: string; port: number }

/** What came of asking: a message that matches the question, octets that are none, or nothing. */
export type Reply =
  { kind: "message"; message: Message } | { kind: "malformed"; detail: string } | { kind: "unreachable"; detail: string; noRoute?: boolean }

export type ExchangeOptions = { timeoutMs: number; attempts: number; signal: AbortSignal; onSend?: () => boolean }

const MAX_STRAYS = 64

/** The octets of a query with EDNS or without; `recursion` asks a recursive resolver. */
export function encodeQuery(id: number, question: Question, edns: boolean, recursion = false): Uint8Array<ArrayBuffer> {
  const offer = edns ? { edns: { udpSize: UDP_SIZE, version: 0 } } : {}
  return encodeMessage(message({ id, questions: [question], recursionDesired: recursion, ...offer }))
}

/** The reply in the octets, or undefined where they answer another question (RFC 5452 section 9.1). Never throws. */
export function readReply(bytes: Uint8Array, id: number, question: Question): Reply | undefined {
  if (bytes.length < 12 || ((bytes[0]! << 8) | bytes[1]!) !== id || (bytes[2]! & 0x80) === 0) return undefined
  let decoded: Message
  try {
    decoded = decodeMessage(bytes)
  } catch (error) {
    return { kind: "malformed", detail: describeError(error) }
  }
  const [echo, ...more] = decoded.questions
  const isBareFault = !echo && (decoded.rcode === rcodes.FORMERR || decoded.rcode === rcodes.NOTIMP)
  const isEcho = echo?.name === question.name && echo.type === question.type && echo.class === question.class && more.length === 0
  return isBareFault || isEcho ? { kind: "message", message: decoded } : undefined
}

/**
 * Asks one server: UDP with EDNS → without it after FORMERR, BADVERS or silence → TCP where the answer was truncated. Never throws and leaves no socket;
 * takes at most `timeoutMs` for each attempt and once more for TCP.
 */
export async function exchange(to: Endpoint, question: Question, options: ExchangeOptions): Promise<Reply> {
  let edns = true
  let reply: Reply = { kind: "unreachable", detail: "it was not asked: the look-up had ended" }
  for (let attempt = 0; attempt < options.attempts; attempt++) {
    if (options.signal.aborted || options.onSend?.() === false) return reply
    reply = await askUdp(to, question, edns, options)
    if (reply.kind === "message" && edns && isEdnsRefusal(reply.message) && options.onSend?.() !== false) {
      edns = false
      reply = await askUdp(to, question, edns, options)
    }
    if (reply.kind !== "unreachable" || reply.noRoute) break
    edns = false
  }
  const isTruncated = reply.kind === "message" && reply.message.truncated
  if (!isTruncated || options.signal.aborted) return reply
  if (options.onSend?.() === false)
    return { kind: "unreachable", detail: "its answer was truncated and it was not asked over TCP: too many queries" }
  const whole = await askTcp(to, question, edns, options)
  if (whole.kind === "unreachable") return { kind: "unreachable", detail: `its answer was truncated, and over TCP: ${whole.detail}` }
  if (whole.kind === "message" && whole.message.truncated) return { kind: "malformed", detail: "its answer was truncated over TCP too" }
  return whole
}

const isEdnsRefusal = (reply: Message) =>
  reply.rcode === rcodes.BADVERS || (!reply.edns && (reply.rcode === rcodes.FORMERR || reply.rcode === rcodes.NOTIMP))

function unreachable(error: unknown): Reply {
  const { message: detail, noRoute } = noReplyOf(error)
  return { kind: "unreachable", detail, ...(noRoute ? { noRoute } : {}) }
}

/** One datagram from a fresh socket, hence a fresh port, connected so that only the asked address can answer. */
async function askUdp(to: Endpoint, question: Question, edns: boolean, options: ExchangeOptions): Promise<Reply> {
  const id = randomInt(0x10000)
  const { promise, resolve } = Promise.withResolvers<Reply>()
  let strays = 0
  const onData = (bytes: Uint8Array) => {
    const reply = readReply(bytes, id, question)
    if (reply) resolve(reply)
    else if (++strays >= MAX_STRAYS) resolve({ kind: "malformed", detail: "it sent only messages that answer another question" })
  }
  const onTime = () =>
    resolve(
      strays > 0
        ? { kind: "malformed", detail: "what it sent answers another question" }
        : { kind: "unreachable", detail: `no reply within ${options.timeoutMs} ms` },
    )
  const onAbort = () => resolve({ kind: "unreachable", detail: "no reply before the look-up ended" })
  const timer = setTimeout(onTime, options.timeoutMs)
  options.signal.addEventListener("abort", onAbort)
  let socket: { close(): void } | undefined
  try {
    const opened = await Bun.udpSocket({
      hostname: isIPv6(to.address) ? "::" : "0.0.0.0",
      connect: { hostname: to.address, port: to.port },
      socket: { data: (_socket, bytes) => onData(bytes), error: (...given: unknown[]) => resolve(unreachable(given.at(-1))) },
    })
    socket = opened
    opened.send(encodeQuery(id, question, edns))
    return await promise
  } catch (error) {
    return unreachable(error)
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener("abort", onAbort)
    socket?.close()
  }
}

async function askTcp(to: Endpoint, question: Question, edns: boolean, options: ExchangeOptions): Promise<Reply> {
  const id = randomInt(0x10000)
  try {
    const received = await exchangeOverTcp({ host: to.address, port: to.port }, encodeQuery(id, question, edns), options)
    return readReply(received, id, question) ?? { kind: "malformed", detail: "what it sent over TCP answers another question" }
  } catch (error) {
    return unreachable(error)
  }
}
