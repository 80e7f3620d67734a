import { rootCertificates } from "node:tls"
import { createTransport } from "nodemailer"
import { describeError } from "../errors"
import { type Notice, type Receiver } from "./model"
import { textOf, titleOf } from "./words"

/** Sends one POST; whatever comes of it is in the answer, whose `error` shows no more of the URL than its host. */
export type Post = (url: string, headers: Record<string, string>, body: string, signal: AbortSignal) => Promise<{ error: string | null }>

/** The notice as JSON. */
export const webhookReceiver = (url: string, post: Post): Receiver => ({
  name: "webhook",
  send: (notice, signal) =>
    must(post(url, { "Content-Type": "application/json", "User-Agent": "freehold-alert" }, JSON.stringify(notice), signal)),
})

/** A longer message would be taken for an attachment. */
const maxNtfyBytes = 4096

/** The notice as a message of a topic of ntfy: text, with what the reader's device makes of it in fields. */
export const ntfyReceiver = (url: string, token: string | undefined, post: Post): Receiver => ({
  name: "ntfy",
  send: (notice, signal) => {
    const [priority, tag] = weightOf(notice)
    const headers: Record<string, string> = {
      "Content-Type": "text/plain; charset=utf-8",
      Title: titleOf(notice),
      Priority: priority,
      Tags: tag,
    }
    if (token !== undefined) headers.Authorization = `Bearer ${token}`
    return must(post(url, headers, cut(textOf(notice), maxNtfyBytes), signal))
  },
})

function weightOf({ opened }: Notice): [priority: string, tag: string] {
  if (opened.some(({ severity }) => severity === "bad")) return ["high", "rotating_light"]
  return opened.length > 0 ? ["default", "warning"] : ["low", "white_check_mark"]
}

/** Where mail goes: `smtp://` takes STARTTLS where it is offered, and insists on it before a password is said; `smtps://` is TLS from the beginning. */
export type MailRoute = { url: string; from: string; to: string[] }

const mailLimitMs = 15_000

/** The notice as a plain message (RFC 5322) to every address. `extraRoots` gives PEM roots that are trusted besides the usual ones. */
export const mailReceiver = ({ url, from, to }: MailRoute, extraRoots: () => Promise<string>): Receiver => ({
  name: "mail",
  send: async (notice, signal) => {
    const { protocol, hostname, port, username, password } = new URL(url)
    const isTls = protocol === "smtps:"
    const auth = username === "" ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }
    const transport = createTransport({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (isTls ? 465 : 587) : Number(port),
      secure: isTls,
      requireTLS: !isTls && username !== "",
      ...auth,
      tls: { ca: [...rootCertificates, await extraRoots()] },
      connectionTimeout: mailLimitMs,
      greetingTimeout: mailLimitMs,
      socketTimeout: mailLimitMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    const end = () => transport.close()
    signal.addEventListener("abort", end, { once: true })
    try {
      await transport.sendMail({
        from,
        to,
        subject: `[Freehold] ${titleOf(notice)}`,
        text: textOf(notice),
        headers: { "Auto-Submitted": "auto-generated" },
      })
    } catch (error) {
      throw new Error(withoutPassword(describeError(error), decodeURIComponent(username), decodeURIComponent(password)), { cause: error })
    } finally {
      signal.removeEventListener("abort", end)
      transport.close()
    }
  },
})

/** A server may say back what it was told, as it was told it: in clear, or as AUTH LOGIN and AUTH PLAIN (RFC 4616) encode it. */
function withoutPassword(text: string, user: string, password: string): string {
  const line = text.replace(/\s+/g, " ")
  const base64 = (bytes: string) => Buffer.from(bytes).toString("base64")
  const said = password === "" ? [] : [password, base64(password), base64(`\0${user}\0${password}`)]
  // Cut after that, or half of it would be left at the end.
  return said.reduce((rest, secret) => rest.replaceAll(secret, "***"), line).slice(0, 300)
}

async function must(outcome: Promise<{ error: string | null }>): Promise<void> {
  const { error } = await outcome
  if (error !== null) throw new Error(error)
}

/** At most so many bytes of UTF-8, with a sign where something was cut. */
function cut(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= mostBytes) return text
  const sign = "…"
  let end = mostBytes - Buffer.byteLength(sign)
  // Not within a character: bytes that go on with one begin with the bits 10.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString("utf8", 0, end) + sign
}
