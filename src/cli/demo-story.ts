import { connect } from "node:tls"

/** What the story needs of the stage that `demo.ts` built. */
export type Stage = {
  api: string
  httpsPort: number
  caPem: string
  hostname: string
  username: string
  password: string
  application: { port: number; greeting: string }
  /** Publishes a TXT record in the zone the demo serves. */
  publishTxt: (name: string, value: string) => void
  print: (line: string) => void
}

type Mapping = { id: string; status: string; verify_name: string; verify_token: string; certificate?: { state: string; problem?: string } }

const stepLimitMs = 30_000

/** Plays the main job as a person would, by the public API alone. Throws when a step does not end as it should. */
export async function tellStory(stage: Stage): Promise<void> {
  const began = performance.now()
  let token: string | undefined
  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const headers: Record<string, string> = { "content-type": "application/json" }
    if (token !== undefined) headers.authorization = `Bearer ${token}`
    const signal = AbortSignal.timeout(stepLimitMs)
    const res = await fetch(stage.api + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${text.trim()}`)
    return JSON.parse(text) as T
  }
  const step = async <T>(what: string, act: () => Promise<[T, string]>): Promise<T> => {
    const start = performance.now()
    const [result, outcome] = await act()
    stage.print(`${`${Math.round(performance.now() - start)} ms`.padStart(8)}  ${what}: ${outcome}`)
    return result
  }

  await step("sign in", async () => {
    const reply = await api<{ token: string }>("POST", "/api/login", { username: stage.username, password: stage.password })
    token = reply.token
    return [reply, `as ${stage.username}`]
  })
  const container = await step("register the application", async () => {
    const body = { name: "demo-app", address: "127.0.0.1", ports: { "8080": stage.application.port } }
    const made = await api<{ id: string; status: string }>("POST", "/compute/containers", body)
    return [made, `container ${made.id}, ${made.status}`]
  })
  const mapping = await step(`map ${stage.hostname}`, async () => {
    const made = await api<Mapping>("POST", "/api/domain-mappings", {
      container_id: container.id,
      domain: stage.hostname,
      target_port: 8080,
    })
    if (made.status !== "pending") throw new Error(`the mapping is ${made.status}, not pending`)
    return [made, made.status]
  })
  await step("open it over HTTPS, unproven", async () => {
    const problem = await visit(stage).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (problem === undefined) throw new Error("a name that nobody proved was served over HTTPS")
    return [undefined, "refused, no certificate"]
  })
  await step("verify before the record exists", async () => {
    const { status, detail } = await api<{ status: string; detail?: string }>("POST", `/api/domain-mappings/${mapping.id}/verify`)
    if (status !== "pending") throw new Error(`the mapping is ${status}, not pending`)
    return [undefined, `${status} (${detail})`]
  })
  await step("publish the TXT record", async () => {
    stage.publishTxt(mapping.verify_name, mapping.verify_token)
    return [undefined, `${mapping.verify_name} = ${mapping.verify_token}`]
  })
  await step("verify", async () => {
    const { status, detail } = await api<{ status: string; detail?: string }>("POST", `/api/domain-mappings/${mapping.id}/verify`)
    if (status !== "verified") throw new Error(`the mapping is ${status}: ${detail}`)
    return [undefined, status]
  })
  await step("certificate, before the first visitor", async () => {
    const deadline = performance.now() + stepLimitMs
    for (;;) {
      const { domains } = await api<{ domains: Mapping[] }>("GET", "/api/domain-mappings")
      const certificate = domains.find((one) => one.id === mapping.id)?.certificate
      if (certificate?.state === "issued") return [undefined, certificate.state]
      if (performance.now() > deadline)
        throw new Error(`no certificate within ${stepLimitMs / 1000} s: ${certificate?.problem ?? "no reason given"}`)
      await Bun.sleep(20)
    }
  })
  await step(`open https://${stage.hostname}`, async () => {
    const page = await visit(stage)
    if (!page.body.includes(stage.application.greeting)) throw new Error(`the page is not the application's: ${page.body.slice(0, 200)}`)
    return [undefined, `${page.statusLine}\n${indent(page.body.trim())}\n${indent(page.certificate)}`]
  })
  stage.print(`${`${Math.round(performance.now() - began)} ms`.padStart(8)}  in all`)
}

const indent = (text: string) => text.replace(/^/gm, " ".repeat(10))

/** One request over TLS to the edge on loopback, with the demo's root and nothing else trusted. */
function visit(stage: Stage): Promise<{ statusLine: string; body: string; certificate: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port: stage.httpsPort,
      servername: stage.hostname,
      ca: stage.caPem,
      ALPNProtocols: ["http/1.1"],
    })
    let text = ""
    let certificate = ""
    const timer = setTimeout(() => socket.destroy(new Error("no answer in time")), stepLimitMs)
    socket.on("secureConnect", () => {
      const { subject, issuer, subjectaltname, valid_to } = socket.getPeerCertificate()
      certificate = `certificate for ${subjectaltname ?? subject?.CN}, by ${issuer?.CN}, until ${valid_to}`
      socket.write(`GET / HTTP/1.1\r\nHost: ${stage.hostname}\r\nConnection: close\r\n\r\n`)
    })
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
    })
    socket.on("error", reject)
    socket.on("close", () => {
      clearTimeout(timer)
      const [head = "", body = ""] = text.split("\r\n\r\n", 2)
      if (head === "") return reject(new Error("the connection was closed"))
      resolve({ statusLine: head.split("\r\n")[0] ?? "", body, certificate })
    })
  })
}
