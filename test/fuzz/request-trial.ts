import { deliver, type Delivery } from "./delivery"
import type { NginxLane } from "./nginx-peer"
import { isWithin, type Relay, settled } from "./relay"
import { RawClient } from "./raw-client"
import type { Heard, Recorder } from "./recorder"
import { valuesOf } from "./strict-message"
import type { Seen } from "./strict-request"
import { type Answer, type Answers, announcesClose, readResponses } from "./strict-response"

/** One case: what is sent, how, and whether the marked request comes with it or after the first answer (or after silence). */
export type RequestCase = { name: string; bytes: Buffer; delivery: Delivery; marker: "after" | "with"; leave: "end" | "destroy" }

/** A relay under test, with a recorder behind it. */
export type Front = { relay: Relay; recorder: Recorder }

/** What the relay made of a case. */
export type FrontOutcome = Heard & {
  answers: Answers
  /** The final answers that came from the upstream. */
  relayed: Answer[]
  /** The relay ended the connection, or said that it would. */
  ended: boolean
  /** Nothing came for so long that the client left. */
  waited: boolean
  /** The upstream still held a part of a request a second after the client had left. */
  leftHanging: boolean
}

/** What a server that was asked directly made of the same bytes: the requests it took, and the status of its own refusal, or 0. */
export type PeerOutcome = { seen: Seen[]; refusal: number }

/** What all three made of one case. */
export type Observation = { edge: FrontOutcome; nginx: PeerOutcome; node: PeerOutcome }

/** The second, well-formed request of every case. */
export const marker = Buffer.from("POST /marked HTTP/1.1\r\nHost: app.test\r\nX-Marked: yes\r\nContent-Length: 6\r\n\r\nmarked")
/** Whether a request is the marked one. */
export const isMarker = (seen: Pick<Seen, "method" | "target">) => seen.method === "POST" && seen.target === "/marked"

const PEER_MS = 2000
const FINALS = 64

/** Sends cases through one relay and, directly, to nginx and Node. One case at a time, so that what arrives is known to be this case's. */
export class RequestTrial {
  constructor(
    private front: Front,
    private nginx: NginxLane,
    private nodePath: string,
  ) {}

  /** Never throws for what the relay does; `quietMs` without a byte is taken for an unfinished request. */
  async run(test: RequestCase, quietMs: number): Promise<Observation> {
    const stream = Buffer.concat([test.bytes, marker])
    const [edge, nginx, node] = await Promise.all([this.askEdge(test, quietMs), this.askNginx(stream), this.askNode(stream)])
    return { edge, nginx, node }
  }

  private async askEdge(test: RequestCase, quietMs: number): Promise<FrontOutcome> {
    const { recorder, relay } = this.front
    recorder.take()
    const client = await RawClient.tls({ port: relay.port, certificate: relay.certificate, serverName: "app.test" })
    const read = () => readFinals(client, test.bytes)
    await deliver(test.marker === "with" ? Buffer.concat([test.bytes, marker]) : test.bytes, test.delivery, client)
    let heard = await client.waitFor(() => read().finals > 0, quietMs)
    if (!client.ended && !read().closes) {
      if (test.marker === "after") client.send(marker)
      const isDone = () => read().closes || recorder.hasSeen(isMarker)
      heard = await client.waitFor(isDone, quietMs)
      // The marked request was seen: its answer is on its way.
      if (heard && !client.ended && !read().closes) await client.waitFor(() => read().relayed >= recorder.countSeen, quietMs)
    }
    if (read().closes) await client.waitFor(() => client.ended, 20)
    const ended = client.ended || read().closes
    if (!client.ended && test.leave === "end") {
      client.finish()
      await client.waitFor(() => client.ended, quietMs)
    }
    client.destroy()
    await settled(relay)
    const leftHanging = !(await isWithin(1000, () => !recorder.holdsPart))
    const { answers } = readFinals(client, test.bytes)
    const relayed = answers.whole.filter((answer) => answer.status === 204 && valuesOf(answer.fields, "x-seen").length === 1)
    const outcome = { ...recorder.take(), answers, relayed, ended, waited: !heard, leftHanging }
    if (leftHanging) recorder.dropParts()
    return outcome
  }

  private async askNginx(stream: Buffer): Promise<PeerOutcome> {
    const { recorder } = this.nginx
    recorder.take()
    const text = await converse(this.nginx.path, stream)
    const { seen } = recorder.take()
    recorder.dropParts()
    const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
    return { seen: seen.map(asNginxSaw), refusal: statuses.find((status) => status >= 300) ?? 0 }
  }

  private async askNode(stream: Buffer): Promise<PeerOutcome> {
    const text = await converse(this.nodePath, stream)
    const seen = [...text.matchAll(/^X-Seen: (\S+)\r$/gm)].map((match) => {
      const parsed = JSON.parse(Buffer.from(match[1]!, "base64").toString()) as Omit<Seen, "fields" | "trailers">
      const { method, host, body } = parsed
      return { method, host, body, target: rooted(parsed.target.replace(/^https?:\/\/[^/?]*/i, "")), fields: [], trailers: [] }
    })
    return { seen, refusal: Number(/^HTTP\/1\.1 ([3-5]\d\d) /m.exec(text)?.[1] ?? 0) }
  }
}

/** What an absolute target without a path asks for. */
const rooted = (target: string) => (target === "" || target.startsWith("?") ? `/${target}` : target)

async function converse(path: string, stream: Buffer): Promise<string> {
  const client = await RawClient.unix(path)
  client.send(stream)
  client.finish()
  await client.waitFor(() => client.ended, PEER_MS)
  client.destroy()
  return client.received.toString("latin1")
}

/** nginx's own variables, which it sent beside the request. */
function asNginxSaw(seen: Seen): Seen {
  const own = (name: string) => valuesOf(seen.fields, name)[0] ?? ""
  return { ...seen, method: own("x-nginx-method"), target: rooted(own("x-nginx-uri")) }
}

function readFinals(client: RawClient, bytes: Buffer): { answers: Answers; finals: number; relayed: number; closes: boolean } {
  // A HEAD request's refusal has a head alone; a page begins with one of two characters, and the next response with neither.
  const mayBeHead = bytes.includes("HEAD ")
  const answers = readResponses(client.received, {
    ended: client.ended,
    finals: FINALS,
    bodiless: (_, after) => mayBeHead && after !== "<" && after !== "{",
  })
  const finals = answers.whole.filter((answer) => answer.status >= 200)
  const relayed = finals.filter((answer) => answer.status === 204).length
  return { answers, finals: finals.length, relayed, closes: finals.some(announcesClose) || answers.rest === "malformed" }
}
