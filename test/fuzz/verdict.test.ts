import { expect, test } from "bun:test"
import { unjudged } from "./allowed"
import { randomRequestCase } from "./campaign"
import { whole } from "./delivery"
import type { Observation, RequestCase } from "./request-trial"
import { judgeRequest } from "./request-verdict"
import type { ResponseCase, ResponseObservation } from "./response-trial"
import { judgeResponse } from "./response-verdict"
import { digest } from "./strict-message"
import type { Seen } from "./strict-request"
import { readResponses } from "./strict-response"

const seen = (change: Partial<Seen> = {}): Seen => ({
  method: "GET",
  target: "/",
  host: "app.test",
  body: digest(Buffer.alloc(0)),
  fields: [
    { name: "X-Forwarded-For", value: "127.0.0.1" },
    { name: "X-Forwarded-Proto", value: "https" },
    { name: "X-Forwarded-Host", value: "app.test" },
    { name: "X-Request-ID", value: "1" },
  ],
  trailers: [],
  ...change,
})
const marked = seen({ method: "POST", target: "/marked", body: digest(Buffer.from("marked")) })
const answer = (id: number) => `HTTP/1.1 204 No Content\r\nX-Seen: ${id}\r\n\r\n`
const refusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
const request: RequestCase = {
  name: "x",
  bytes: Buffer.from("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"),
  delivery: whole,
  marker: "after",
  leave: "end",
}

function observed(
  text: string,
  change: { edge?: Partial<Observation["edge"]>; nginx?: Partial<Observation["nginx"]>; node?: Partial<Observation["node"]> },
) {
  const answers = readResponses(Buffer.from(text), { ended: false, finals: 9, bodiless: () => false })
  const relayed = answers.whole.filter((one) => one.status === 204)
  const edge = {
    seen: [seen(), marked],
    faults: [],
    cut: [],
    answers,
    relayed,
    ended: false,
    waited: false,
    leftHanging: false,
    ...change.edge,
  }
  const both = { seen: [seen(), marked], refusal: 0 }
  return { edge, nginx: { ...both, ...change.nginx }, node: { ...both, ...change.node } }
}

const good = answer(0) + answer(1)

test.each<[string, Observation, string[]]>([
  ["all is well", observed(good, {}), []],
  ["a refusal that reached nobody", observed(refusal, { edge: { seen: [], ended: true } }), []],
  ["another body than nginx saw", observed(good, { nginx: { seen: [seen({ body: "5:x" }), marked] } }), ["not what nginx saw"]],
  ["another host than node saw", observed(good, { node: { seen: [seen({ host: "other.test" }), marked] } }), ["not what node saw"]],
  ["what nginx answers with 400", observed(good, { nginx: { seen: [], refusal: 400 } }), ["nginx refuses it with 400"]],
  [
    "what both refuse",
    observed(good, { nginx: { seen: [], refusal: 501 }, node: { seen: [], refusal: 400 } }),
    ["nginx and node both refuse it"],
  ],
  ["what nginx alone does not implement", observed(good, { nginx: { seen: [], refusal: 501 } }), []],
  ["bytes that are no request", observed(good, { edge: { faults: ["x"] } }), ["the upstream got what is no request"]],
  [
    "a request behind the client's back",
    observed(answer(0), { edge: { ended: true } }),
    ["the upstream got a request of which the client knows nothing"],
  ],
  [
    "answers in the wrong order",
    observed(answer(1) + answer(0), {}),
    Array(2).fill("the upstream got a request of which the client knows nothing"),
  ],
  ["one answer too many", observed(good + answer(2), {}), ["the client got more answers than there were requests"]],
  ["the marked request refused", observed(answer(0) + refusal, { edge: { seen: [seen()], ended: true } }), ["the marked request was lost"]],
  [
    "the marked request never answered",
    observed(answer(0), { edge: { seen: [seen()] } }),
    ["the relay waits where nginx does not", "the marked request was lost"],
  ],
  [
    "a claim of the client's",
    observed(good, { edge: { seen: [seen({ fields: [] }), marked] } }),
    ["the fields that the relay adds are wrong"],
  ],
  [
    "a trailer that reroutes",
    observed(good, { edge: { seen: [seen({ trailers: [{ name: "Host", value: "x" }] }), marked] } }),
    ["a field went on that may not"],
  ],
  [
    "a field of one hop",
    observed(good, { edge: { seen: [seen({ fields: [...seen().fields, { name: "Connection", value: "close" }] }), marked] } }),
    ["a field went on that may not"],
  ],
  [
    "a piece more than was asked for",
    observed(good, { edge: { cut: ["GET /"] } }),
    ["the upstream got a piece of a request that nobody sent"],
  ],
  [
    "a piece of a request that was refused",
    observed(answer(0) + refusal, { edge: { seen: [seen()], cut: ["POST"], ended: true }, nginx: { seen: [seen()] } }),
    [],
  ],
  ["half a request kept", observed(good, { edge: { leftHanging: true } }), ["a request was left hanging at the upstream"]],
  [
    "the marked request with another body",
    observed(good, { edge: { seen: [seen(), { ...marked, body: "0:x" }] } }),
    ["the marked request was changed", "not what nginx saw", "not what node saw"],
  ],
])("%s", (_, observation, rules) => {
  expect(judgeRequest(request, observation).map((finding) => finding.rule)).toEqual(rules as never)
})

test("what was judged to be right stays allowed, and its neighbours do not", () => {
  const rule = "nginx refuses it with 400" as const
  const of = (detail: string, bytes = "") => unjudged([{ rule, detail }], Buffer.from(bytes)).length
  expect(of("GET /a/../b (app.test) body 0:x")).toBe(0)
  expect(of("GET /a/b (app.test) body 0:x")).toBe(1)
  expect(of("POST / (app.test) body 0:x", "POST / HTTP/1.1\r\nContent-Length: 5\t\r\n\r\n")).toBe(0)
  expect(of("POST / (app.test) body 0:x", "POST / HTTP/1.1\r\nContent-Length: 5\x0b\r\n\r\n")).toBe(1)
})

const response: ResponseCase = { name: "x", method: "GET", version: "1.1", bytes: Buffer.alloc(0), delivery: whole, after: "keep" }
const hello = digest(Buffer.from("hello"))
const byNode = { interim: [], status: 200, body: hello, complete: true, fault: "" }
const clean = "HTTP/1.1 200 OK\r\nX-Marked: yes\r\nContent-Length: 6\r\n\r\nmarked"

test.each<[string, string, Partial<ResponseObservation>, string[]]>([
  ["all is well", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { second: clean }, []],
  ["what is no response", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", { ended: true }, ["the client got what is no response"]],
  ["nothing at all", "", { node: { ...byNode, complete: false } }, ["the client was left waiting"]],
  [
    "two readings",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    { node: { ...byNode, status: 404 } },
    ["two clients read it in two ways"],
  ],
  [
    "another body than the upstream's",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    { direct: { ...byNode, body: "4:x" } },
    ["the relay says something else than its upstream"],
  ],
  [
    "a rest of the first answer as the second",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    { second: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" },
    ["the connection was not fit for a second request"],
  ],
])("of responses: %s", (_, text, change, rules) => {
  const answers = readResponses(Buffer.from(text), { ended: false, finals: 1, bodiless: () => false })
  const base = { bytes: Buffer.from(text), answers, broken: false, ended: false, node: byNode, direct: byNode, second: undefined }
  expect(judgeResponse(response, { ...base, ...change }).map((finding) => finding.rule)).toEqual(rules as never)
})

test("a random case is the same in every run", () => {
  const [one, two] = [randomRequestCase(9, 4, []), randomRequestCase(9, 4, [])]
  expect(two).toEqual(one)
})
