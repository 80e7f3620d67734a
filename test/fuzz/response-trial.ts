import type { NodeAnswer, NodePeer } from "./node-peer"
import { type Relay, settled } from "./relay"
import { RawClient } from "./raw-client"
import { markedAnswer, type Script, type ScriptedUpstream } from "./scripted-upstream"
import { type Answers, announcesClose, readResponses } from "./strict-response"

/** One answer of an upstream, and the request that it answers. */
export type ResponseCase = Script & { name: string; method: "GET" | "HEAD" | "POST"; version: "1.1" | "1.0" }

/** What a client of the relay got. */
export type ResponseObservation = {
  bytes: Buffer
  answers: Answers
  /** The connection ended in a fault rather than in good order. */
  broken: boolean
  /** The far side had ended the connection when the first answer was complete or nothing more came. */
  ended: boolean
  /** What Node's client reads in the bytes that the client got. */
  node: NodeAnswer
  /** What Node's client reads in the bytes that the upstream sent. */
  direct: NodeAnswer
  /** What a second request on the same connection brought; undefined where there was none, since the connection had ended. */
  second: string | undefined
}

/** Plays answers of an upstream through one relay, and has what comes out read by two strict clients. */
export class ResponseTrial {
  constructor(
    private front: { relay: Relay; upstream: ScriptedUpstream },
    private node: NodePeer,
  ) {}

  async run(test: ResponseCase): Promise<ResponseObservation> {
    const { relay, upstream } = this.front
    upstream.play(test)
    const client = await RawClient.tls({ port: relay.port, certificate: relay.certificate, serverName: "app.test" })
    const body = test.method === "POST" ? "Content-Length: 2\r\n\r\nhi" : "\r\n"
    client.send(Buffer.from(`${test.method} /case HTTP/${test.version}\r\nHost: app.test\r\n${body}`))
    const read = (ended: boolean) => readResponses(client.received, { ended, finals: 1, bodiless: () => test.method === "HEAD" })
    const isOver = () => read(false).whole.some((answer) => answer.status >= 200) || read(false).rest === "malformed"
    await client.waitFor(isOver, 2000)
    const { ended } = client
    const bytes = Buffer.from(client.received)
    const answers = read(ended)
    const final = answers.whole.findLast((answer) => answer.status >= 200)
    const second = !ended && final && !announcesClose(final) && test.version === "1.1" ? await this.askAgain(client) : undefined
    client.destroy()
    upstream.dropAll()
    await settled(relay)
    const [node, direct] = await Promise.all([this.node.readResponse(test.method, bytes), this.node.readResponse(test.method, test.bytes)])
    return { bytes, answers, broken: client.broken, ended, node, direct, second }
  }

  private async askAgain(client: RawClient): Promise<string> {
    const before = client.received.length
    client.send(Buffer.from("GET /marked HTTP/1.1\r\nHost: app.test\r\n\r\n"))
    await client.waitFor(
      () => client.received.length >= before + markedAnswer.length && client.received.toString("latin1").endsWith("marked"),
      1000,
    )
    return client.received.toString("latin1", before)
  }
}
