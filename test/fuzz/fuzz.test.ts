import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { BlindRelay } from "./blind-relay"
import {
  randomRequestCase,
  randomResponseCase,
  requestCasesOf,
  responseCasesOf,
  runRequests,
  runResponses,
  type Tally,
  tryRequest,
  tryResponse,
} from "./campaign"
import { corpusFolder, readCorpus } from "./corpus"
import { printBytes } from "./escaped-text"
import { type FuzzLab, startLab } from "./lab"
import { NginxPeer } from "./nginx-peer"

/** The gate's seed and counts: the same cases in every run, about twenty seconds of them. */
const SEED = 3
const REQUESTS = 2600
const RESPONSES = 1400

const requests = readCorpus(corpusFolder("requests"))
const responses = readCorpus(corpusFolder("responses"))
const installed = NginxPeer.installed && Bun.which("node") !== null

describe.skipIf(!installed)("against nginx and Node", () => {
  let lab: FuzzLab
  beforeAll(async () => {
    lab = await startLab(8)
  })
  afterAll(() => lab?.stop())

  test.each(requests.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const [expected, count = "0"] = (entry.notes["expect"] ?? "").split(" ")
    for (const one of requestCasesOf(entry)) {
      const { findings, accepted, outcome } = await tryRequest(lab.requests[0]!, one)
      expect({ of: one.name, findings }).toEqual({ of: one.name, findings: [] })
      expect({ of: one.name, outcome, accepted }).toEqual({ of: one.name, outcome: expected as never, accepted: Number(count) })
    }
  })

  test.each(responses.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    for (const one of responseCasesOf(entry)) {
      const { findings, status } = await tryResponse(lab.responses[0]!, one)
      expect({ of: one.name, findings }).toEqual({ of: one.name, findings: [] })
      expect(entry.notes["expect"]?.split(" or "), `${one.name}: ${status}`).toContain(String(status || "broken"))
    }
  })

  test(`${REQUESTS} random requests of seed ${SEED} reach the upstream as nginx reads them, or not at all`, async () => {
    const cases = Array.from({ length: REQUESTS }, (_, i) => randomRequestCase(SEED, i, requests))
    const tally = await runRequests(lab.requests, cases)
    expect(foundIn(tally)).toEqual([])
    expect(tally.count).toBe(REQUESTS)
    // A generator that makes nothing but nonsense, or nothing but good requests, would find nothing.
    expect(tally.accepted).toBeGreaterThan(REQUESTS / 5)
    expect(tally.refused).toBeGreaterThan(REQUESTS / 5)
  })

  test(`${RESPONSES} random responses of seed ${SEED} are read in one way, or are seen to have failed`, async () => {
    const cases = Array.from({ length: RESPONSES }, (_, i) => randomResponseCase(SEED, i, responses))
    const tally = await runResponses(lab.responses, cases)
    expect(foundIn(tally)).toEqual([])
    expect(tally.accepted).toBeGreaterThan(RESPONSES / 5)
    expect(tally.refused).toBeGreaterThan(RESPONSES / 5)
  })
})

describe.skipIf(!installed)("a relay that passes bytes on as they come is found out", () => {
  let lab: FuzzLab
  beforeAll(async () => {
    lab = await startLab(6, BlindRelay.start)
  })
  afterAll(() => lab?.stop())
  const rulesOf = (tally: Tally) => new Set(tally.found.flatMap((found) => found.findings.map((finding) => finding.rule)))

  test("by the requests of the corpus", async () => {
    const rules = rulesOf(
      await runRequests(
        lab.requests,
        requests.slice(0, 60).map((entry) => requestCasesOf(entry)[0]!),
      ),
    )
    expect(rules).toContain("the upstream got what is no request")
    expect(rules).toContain("nginx refuses it with 400")
    expect(rules).toContain("the fields that the relay adds are wrong")
  })

  test("by the responses of the corpus", async () => {
    const rules = rulesOf(
      await runResponses(
        lab.responses,
        responses.map((entry) => responseCasesOf(entry)[0]!),
      ),
    )
    expect(rules).toContain("the client got what is no response")
  })
})

const foundIn = (tally: Tally) =>
  tally.found.map(({ name, bytes, findings }) => ({ name, bytes: printBytes(bytes.subarray(0, 2000)), findings }))
