import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { randomBytes } from "node:crypto"
import { connect as connectHttp2 } from "node:http2"
import { readMemory } from "../bench/memory"
import type { Person } from "../e2e/person"
import { type Stage, startStage } from "../e2e/stage"
import { Visitors } from "../e2e/visitors"
import { runProgram } from "../e2e/program"

/** What came of it: how often each kind of work was done, what went wrong, and the memory in MiB, a measurement a second. */
export type DayFigures = { seconds: number; done: Record<string, number>; failures: string[]; memoryMiB: number[] }

const hostnames = ["shop", "blog", "wiki", "files", "mail"]

/**
 * A busy host's day in `seconds`: visitors over HTTP/1.1, HTTP/2 and WebSockets, uploads and S3, API reads and writes, webhooks, restarts of a container,
 * names that are proven, certified and taken away again; among a real CA, name servers and an engine. All at once, each piece after the one before it.
 */
export async function replayDay(seconds: number, say: (text: string) => void = () => {}): Promise<DayFigures> {
  const received = { count: 0 }
  const upstream = startApplication(received)
  const prepare = async () => ({
    FREEHOLD_DNS_RECURSIVES: "none",
    FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8",
    FREEHOLD_MAX_PENDING_MAPPINGS: "1000",
  })
  const stage = await startStage({ pebble: true, podman: true, prepare })
  const figures: DayFigures = { seconds, done: {}, failures: [], memoryMiB: [] }
  const visitors: Visitors[] = []
  try {
    const { ada, container, ca } = await openHouse(stage, upstream.port ?? 0)
    const day = new Day(stage, ada, container, ca, figures)
    const place = (hostname: string) => ({ address: stage.house.address, port: stage.house.ports.https, hostname, ca })
    for (const name of hostnames) visitors.push(new Visitors(place(`${name}.customer.test`), { kept: 2, fresh: 1 }))
    const engineContainer = await ada.container("worker", stage.podman.image)
    const keys = await ada.send<{ id: string; secret: string }>("POST", "/storage/keys", { name: "day" })
    const s3 = new S3Client({
      endpoint: stage.house.url,
      region: "us-east-1",
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret },
    })
    await s3.send(new CreateBucketCommand({ Bucket: "day" }))
    const hook = await ada.send<{ id: string }>("POST", "/v1/webhook-endpoints", { url: `http://127.0.0.1:${upstream.port}/hook` })
    const works = [
      day.repeat("requests over HTTP/2", 50, () => day.http2()),
      day.repeat("WebSocket messages", 50, () => day.webSocket()),
      day.repeat("uploads through the edge", 200, () => day.upload()),
      day.repeat("S3 objects", 100, async (n) => {
        const Key = `o${n % 50}`
        const body = randomBytes(64 * 1024)
        await s3.send(new PutObjectCommand({ Bucket: "day", Key, Body: body }))
        const got = await s3.send(new GetObjectCommand({ Bucket: "day", Key }))
        if (!Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)) throw new Error(`${Key} is not what was put`)
      }),
      day.repeat("API reads", 50, () => ada.send("GET", "/api/domain-mappings")),
      day.repeat("API writes", 200, (n) => day.token(n)),
      day.repeat("webhooks", 500, () => ada.send("POST", `/v1/webhook-endpoints/${hook.id}/test`)),
      day.repeat("container restarts", 2_000, async () => {
        await ada.send("POST", `/compute/containers/${engineContainer}/stop`)
        await ada.containerIs(engineContainer, "stopped")
        await ada.send("POST", `/compute/containers/${engineContainer}/start`)
        await ada.containerIs(engineContainer, "running")
      }),
      day.repeat("names certified", 1_000, (n) => day.name(n)),
    ]
    const began = performance.now()
    while (performance.now() - began < seconds * 1000) {
      await Bun.sleep(1_000)
      figures.memoryMiB.push((await readMemory(stage.house.pid)).residentKiB / 1024)
      if (figures.memoryMiB.length % 60 === 0) say(`${figures.memoryMiB.length} s: ${describe(figures)}`)
    }
    day.end()
    await Promise.all(works)
    day.close()
    await Promise.all(visitors.map((one) => one.stop()))
    figures.done["requests over HTTP/1.1"] = visitors.reduce((sum, { visits }) => sum + visits, 0)
    for (const { failures } of visitors) figures.failures.push(...failures)
    if (received.count === 0) figures.failures.push("no webhook came")
    s3.destroy()
    return figures
  } finally {
    await Promise.allSettled(visitors.map((one) => one.stop()))
    await stage.stop()
    await upstream.stop(true)
  }
}

/** Median memory of the last third by that of the second; 1 is flat. */
export function growth({ memoryMiB }: DayFigures): number {
  const third = Math.floor(memoryMiB.length / 3)
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
  return median(memoryMiB.slice(-third)) / median(memoryMiB.slice(third, 2 * third))
}

/** One line for people. */
export const describe = (figures: DayFigures): string =>
  `${Object.entries(figures.done)
    .map(([what, count]) => `${count} ${what}`)
    .join(", ")}; ${figures.failures.length} failures; memory ${figures.memoryMiB.at(-1)?.toFixed(0)} MiB`

function startApplication(received: { count: number }) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request, server) => {
      const { pathname } = new URL(request.url)
      if (pathname === "/socket" && server.upgrade(request)) return undefined
      if (pathname === "/hook") received.count++
      return new Response(request.method === "POST" ? `${(await request.arrayBuffer()).byteLength}` : "here I am\n")
    },
    websocket: { message: (socket, message) => void socket.send(message) },
  })
}

/** The hostnames of the day, certified; `ca` is the root that visitors trust. */
async function openHouse(stage: Stage, port: number) {
  const ada = await stage.house.login()
  const container = await ada.external("app", { "8080": port })
  for (const name of hostnames) {
    const hostname = `${name}.customer.test`
    await stage.point(hostname)
    const mapping = await ada.map(hostname, container)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    await ada.verify(mapping.id)
    await ada.certified(mapping.id)
  }
  return { ada, container, ca: await stage.pebble.rootCertificate() }
}

class Day {
  private ended = false
  private session: ReturnType<typeof connectHttp2> | undefined
  private socket: WebSocket | undefined

  constructor(
    private stage: Stage,
    private ada: Person,
    private container: string,
    private ca: string,
    private figures: DayFigures,
  ) {}

  /** Nothing new is begun. */
  end(): void {
    this.ended = true
  }

  close(): void {
    this.session?.close()
    this.socket?.close()
  }

  /** The work again and again until the day ends, with a pause between; what it throws is a failure of the day. */
  async repeat(what: string, pauseMs: number, work: (n: number) => Promise<unknown>): Promise<void> {
    const { done, failures } = this.figures
    done[what] = 0
    for (let n = 0; !this.ended; n++) {
      try {
        await work(n)
        done[what]++
      } catch (error) {
        failures.push(`${what}: ${String(error)}`)
      }
      await Bun.sleep(pauseMs)
    }
  }

  http2(): Promise<void> {
    const { address, ports } = this.stage.house
    if (this.session === undefined || this.session.destroyed || this.session.closed) {
      this.session = connectHttp2(`https://${address}:${ports.https}`, { ca: this.ca, servername: "blog.customer.test" })
      this.session.on("error", () => {})
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stream = this.session.request({ ":path": "/", ":authority": "blog.customer.test" })
    const timer = setTimeout(() => reject(new Error("no answer")), 20_000)
    stream.on("response", (headers) => (headers[":status"] === 200 ? undefined : reject(new Error(`answered ${headers[":status"]}`))))
    stream.on("error", reject)
    stream.on("end", resolve)
    stream.resume()
    stream.end()
    return promise.finally(() => clearTimeout(timer))
  }

  async webSocket(): Promise<void> {
    const { address, ports } = this.stage.house
    if (this.socket?.readyState !== WebSocket.OPEN) {
      const options = { headers: { host: "wiki.customer.test" }, tls: { ca: this.ca, serverName: "wiki.customer.test" } }
      const socket = (this.socket = new WebSocket(`wss://${address}:${ports.https}/socket`, options as unknown as string[]))
      await new Promise<void>((resolve, reject) => {
        socket.addEventListener("open", () => resolve(), { once: true })
        socket.addEventListener("error", () => reject(new Error("not opened")), { once: true })
      })
    }
    const { socket } = this
    const said = crypto.randomUUID()
    const heard = new Promise<string>((resolve, reject) => {
      socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true })
      socket.addEventListener("close", () => reject(new Error("closed")), { once: true })
    })
    socket.send(said)
    if ((await heard) !== said) throw new Error("another echo")
  }

  async upload(): Promise<void> {
    const { address, ports } = this.stage.house
    const command = ["curl", "--silent", "--show-error", "--insecure", "--max-time", "20", "--data-binary", "@-"]
    command.push("--connect-to", `::${address}:${ports.https}`, "https://files.customer.test/up")
    const { out, err } = await runProgram(command, { input: "x".repeat(512 * 1024) })
    if (out !== String(512 * 1024)) throw new Error(`${out} ${err}`)
  }

  async token(n: number): Promise<void> {
    const scopes = { [`networking.${this.ada.id}.domain-mappings`]: ["read"] }
    const { id } = await this.ada.send<{ id: string }>("POST", "/api/tokens", { name: `t${n}`, scopes })
    await this.ada.send("DELETE", `/api/tokens/${id}`)
  }

  /** A customer's name from its mapping to its page, and away again. */
  async name(n: number): Promise<void> {
    const hostname = `n${n}.customer.test`
    await this.stage.point(hostname)
    const mapping = await this.ada.map(hostname, this.container)
    await this.stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    const { status, detail } = await this.ada.verify(mapping.id)
    if (status !== "verified") throw new Error(`${hostname}: ${detail}`)
    await this.ada.certified(mapping.id)
    const page = await this.stage.house.curl(`https://${hostname}/`)
    if (page.status !== 200) throw new Error(`${hostname} answered ${page.status} ${page.err}`)
    await this.ada.unmap(mapping.id)
  }
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? 600)
  if (!(seconds >= 10)) throw new Error("seconds of the day: 10 or more")
  const figures = await replayDay(seconds, (text) => console.error(text))
  console.log(describe(figures))
  console.log(`memory by the second: ${figures.memoryMiB.map((value) => value.toFixed(0)).join(" ")} MiB`)
  console.log(`the last third's median is ${growth(figures).toFixed(3)} of the second third's`)
  for (const failure of figures.failures.slice(0, 20)) console.log(`  ${failure}`)
  process.exit(figures.failures.length === 0 && growth(figures) <= 1.1 ? 0 : 1)
}
