import { EdgeFixture } from "../../src/edge/edge.fixture"
import { temporaryFolder } from "../lab/process"
import { NginxPeer } from "./nginx-peer"
import { NodePeer } from "./node-peer"
import { Recorder } from "./recorder"
import type { StartRelay } from "./relay"
import { RequestTrial } from "./request-trial"
import { ResponseTrial } from "./response-trial"
import { ScriptedUpstream } from "./scripted-upstream"

/** Everything the fuzzer needs, started: the peers, and lanes of edges that work side by side. */
export type FuzzLab = { requests: RequestTrial[]; responses: ResponseTrial[]; stop: () => Promise<void> }

const startEdge: StartRelay = async (port, patienceMs) => {
  const limits = { firstByteMs: patienceMs, responseIdleMs: patienceMs, sweepMs: 20 }
  const fixture = await EdgeFixture.start({ host: "127.0.0.1", port }, limits)
  const { certificate } = fixture
  return { port: fixture.port, certificate, isIdle: () => fixture.edge.connections === 0, stop: () => fixture.stop() }
}

/** Starts `lanes` relays for requests and as many for responses, each with an upstream of its own; throws when nginx or Node is missing. */
export async function startLab(lanes: number, startRelay = startEdge): Promise<FuzzLab> {
  const stops: (() => unknown)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const folder = await temporaryFolder("fuzz")
    stops.push(() => folder.remove())
    const node = await NodePeer.start(folder.path)
    stops.push(() => node.stop())
    const nginx = await NginxPeer.start(folder.path, lanes)
    stops.push(() => nginx.stop())
    const requests: RequestTrial[] = []
    const responses: ResponseTrial[] = []
    for (const lane of nginx.lanes) {
      const recorder = await Recorder.start({ lenient: false })
      stops.push(() => recorder.stop())
      const edge = await startRelay(recorder.port, 10_000)
      stops.push(() => edge.stop())
      requests.push(new RequestTrial({ relay: edge, recorder }, lane, node.requestsPath))
      const scripted = await ScriptedUpstream.start()
      stops.push(() => scripted.stop())
      const second = await startRelay(scripted.port, 120)
      stops.push(() => second.stop())
      responses.push(new ResponseTrial({ relay: second, upstream: scripted }, node))
    }
    return { requests, responses, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
