import { waitUntil } from "../lab/process"
import type { Example } from "../../src/http/reference/example"
import type { Appliance } from "./appliance"

export type Asked = {
  /** Parameters of the path, by name. */
  at?: Record<string, string>
  query?: Record<string, string>
  /** JSON, unless it is a text or a form. */
  body?: object | string
  headers?: Record<string, string>
  /** Of somebody else than who is speaking; null for nobody. */
  token?: string | null
  /** What is expected where it is no success. */
  status?: number
  /** Ends a stream when this has come. */
  until?: string
}

const successes = [200, 201, 202, 204, 303]
const mostTries = 4

/** Makes requests of a real appliance and keeps the first of each route as its example. */
export class Recorder {
  readonly examples: Record<string, Example> = {}
  /** Of who is speaking. */
  token = ""
  /** Of the last answer. */
  head = new Headers()

  constructor(readonly house: Appliance) {}

  /** Asks, keeps it, and answers what was said: JSON as a value. Throws for another answer than was expected. */
  async ask<T = Record<string, never>>(route: string, asked: Asked = {}): Promise<T> {
    const { at = {}, query, body, headers = {}, until } = asked
    const [method = "", pattern = ""] = route.split(" ")
    const name = at.name ?? ""
    const path =
      pattern.replace("*", name).replace(/\/:(\w+)/g, (_, key: string) => `/${at[key] ?? ""}`) +
      (query === undefined ? "" : `?${new URLSearchParams(query)}`)
    const token = asked.token === undefined ? this.token : asked.token
    const isJson = typeof body === "object" && !(body instanceof FormData)
    const expected = asked.status === undefined ? successes : [asked.status]
    const init = {
      method,
      redirect: "manual" as const,
      headers: {
        ...headers,
        ...(isJson ? { "content-type": "application/json" } : {}),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as BodyInit) }),
    }
    const send = async () => {
      const res = await fetch(this.house.url + path, init)
      this.head = res.headers
      return { res, text: until === undefined ? await res.text() : await readUntil(res, until) }
    }
    let { res, text } = await send()
    // On a busy machine the DNS may not answer in time, which is told by one of these.
    for (let tries = 1; tries < mostTries && !expected.includes(res.status) && [409, 502, 503].includes(res.status); tries++) {
      await Bun.sleep(1000)
      ;({ res, text } = await send())
    }
    if (!expected.includes(res.status)) throw new Error(`${method} ${path} answered ${res.status}: ${text}`)
    const type = res.headers.get("content-type") ?? ""
    const answer: unknown =
      text === "" ? undefined : type.includes("json") && !type.includes("ndjson") ? JSON.parse(text) : shortened(text, type)
    this.examples[route] ??= {
      path,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(body === undefined ? {} : { body: body instanceof FormData ? { file: "@hello.txt" } : body }),
      status: res.status,
      ...(answer === undefined ? {} : { answer }),
    }
    return answer as T
  }

  /** Waits, without keeping anything, until an answer has a text in it. */
  async until(path: string, text: string): Promise<void> {
    const has = async () => (await this.house.api("GET", path, { token: this.token })).text.includes(text)
    await waitUntil(has, { what: `${path} to say ${text}` })
  }
}

/** Pages, scripts and styles are long, change often, and are not what an example is for. */
const shortened = (text: string, type: string) => (/html|css|javascript/.test(type) ? "…" : text)

async function readUntil(res: Response, until: string): Promise<string> {
  let text = ""
  const decoder = new TextDecoder()
  for await (const chunk of res.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(until)) break
  }
  return text
}
