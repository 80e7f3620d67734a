import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { FaultPlan } from "./fault-plan"

// A provider's HTTP API on a loopback port: each stand-in says how its API answers, this says when a call meets a fault instead.

/** One call to the API. */
export type StandInCall = {
  method: string
  /** Decoded, without the query. */
  path: string
  query: URLSearchParams
  headers: Headers
  body: string
}

/** The documented behaviour of one provider's API. */
export type StandInApi = {
  /** Answers a call, authentication included; a thrown Refusal is the answer too. */
  answer(call: StandInCall): Promise<Response>
  /** Whether the call would change records; every method but GET unless given. */
  isWrite?(call: StandInCall): boolean
  /** What the provider answers to a credential it does not know, or no longer. */
  denied(): Response
  rateLimited(retryAfterSeconds: number): Response
  /** A plain 500 unless given. */
  serverError?(): Response
}

/** An answer that is thrown. */
export class Refusal extends Error {
  constructor(readonly response: Response) {
    super(`answered ${response.status}`)
  }
}

/** The API, running. */
export type StandIn = {
  url: string
  /** Every call, the oldest first. */
  calls: StandInCall[]
  /** How many of the calls would change records. */
  writes(): number
  fail: FaultPlan<unknown>["fail"]
  heal: FaultPlan<unknown>["heal"]
  stop(): Promise<void>
}

/** One that `startStandIn` serves. */
export type HttpStandIn = StandIn & {
  /** What somebody else does right before the next write is answered. */
  meanwhile(work: () => Promise<void>): void
}

/** What `fail("rate_limited")` tells the caller to wait. */
export const retryAfterSeconds = 7

export async function startStandIn(api: StandInApi): Promise<HttpStandIn> {
  const isWrite = api.isWrite ?? (({ method }: StandInCall) => method !== "GET")
  const calls: StandInCall[] = []
  let meanwhile: (() => Promise<void>) | undefined
  const faults = new FaultPlan(isWrite)

  const respond = async (call: StandInCall): Promise<Response | undefined> => {
    const met = faults.meet(call)
    if (met === "broken") return undefined
    if (met === "denied") return api.denied()
    if (met === "rate_limited") return api.rateLimited(retryAfterSeconds)
    if (met === "server_error") return api.serverError?.() ?? Response.json({ message: "Internal Server Error" }, { status: 500 })
    if (met === "silent") return new Promise(() => {})
    if (meanwhile && isWrite(call)) {
      const work = meanwhile
      meanwhile = undefined
      await work()
    }
    const answer = await api.answer(call).catch((error: unknown) => {
      if (error instanceof Refusal) return error.response
      return Response.json({ message: `the stand-in broke: ${String(error)}` }, { status: 599 })
    })
    return met === "cut" ? undefined : answer
  }

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const call = await readCall(req)
    calls.push(call)
    const answer = await respond(call)
    if (answer === undefined) return void req.socket.destroy()
    res.writeHead(answer.status, Object.fromEntries(answer.headers))
    res.end(await answer.text())
  }

  const server = createServer((req, res) => void serve(req, res).catch(() => req.socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    writes: () => calls.filter(isWrite).length,
    fail: faults.fail,
    heal: faults.heal,
    meanwhile: (work) => {
      meanwhile = work
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** The fields of a JSON body; `refuse` makes the answer to one that has none. */
export function fieldsIn(call: StandInCall, refuse: () => Response): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(call.body)
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch {
    // Refused below, as any other body without fields.
  }
  throw new Refusal(refuse())
}

async function readCall(req: IncomingMessage): Promise<StandInCall> {
  const url = new URL(req.url ?? "/", "http://stand-in")
  const headers = new Headers()
  for (const [name, value] of Object.entries(req.headers)) if (value !== undefined) headers.set(name, String(value))
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(Buffer.from(chunk as Uint8Array))
  const body = Buffer.concat(chunks).toString("utf8")
  return { method: req.method ?? "GET", path: decodeURIComponent(url.pathname), query: url.searchParams, headers, body }
}
