import { request } from "node:https"
import type { Verdict } from "./check"

/** What our own edge answers at a hostname, as a visitor would be answered; who vouches for the certificate is another check. */
export async function checkAnswer(hostname: string, edge: { host: string; port: number }, limitMs = 4000): Promise<Verdict> {
  let status: number
  try {
    status = await statusOf(hostname, edge, limitMs)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { status: "unknown", verdict: `Nobody was answered yet at https://${hostname}/ (${code ?? message}).` }
  }
  if (status < 400) return { status: "ok", verdict: `https://${hostname}/ answers with ${status}.` }
  if (status === 502 || status === 503 || status === 504)
    return {
      status: "bad",
      verdict: `The edge answers with ${status}: it reaches no application.`,
      remedy: "Start the application, and see that it listens at the address and port that you gave.",
    }
  return {
    status: "warn",
    verdict: `The application answers its first page with ${status}.`,
    remedy: "The way to it is right. Whether that is what it should say, its own log tells.",
  }
}

function statusOf(hostname: string, { host, port }: { host: string; port: number }, limitMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { host: hostname, accept: "text/html", "user-agent": "freehold-check" }
  const options = { host, port, servername: hostname, path: "/", headers, rejectUnauthorized: false, agent: false as const }
  const outgoing = request({ ...options, signal: AbortSignal.timeout(limitMs) }, (incoming) => {
    resolve(incoming.statusCode ?? 0)
    incoming.destroy()
  })
  outgoing.on("error", reject)
  outgoing.end()
  return promise.finally(() => outgoing.destroy())
}
