import type { CertificateStanding } from "../certificate-standing"
import { Authenticator } from "../accounts/authenticator"
import { LoginLimit } from "../accounts/login-limit"
import { People } from "../accounts/people"
import { Signer } from "../accounts/signer"
import { AccountStore } from "../accounts/store"
import { Connect } from "../app/connect"
import { composeToken } from "../app/dns-writer"
import { openDatabase } from "../db/open"
import { AppError } from "../errors"
import { ConnectGuards } from "../http/connect-guards"
import { Guards } from "../http/guards"
import { httpRoot } from "../http/root"
import { createLog } from "../log"
import { Vault } from "../vault"
import { applicationRoutes } from "./application-routes"
import { connectionRoutes } from "./connection-routes"
import { linkRoutes } from "./link-routes"
import type { DnsRecord } from "./model"
import type { ConnectEvent, DnsWriter, FormerAddress, PreflightVerdict } from "./needs"
import { planRoutes } from "./plan-routes"

/** What the world says in a test: TXT values and other records by `<name> <type>`, certificates, and what providers do. */
export type World = {
  records: Map<string, string[]>
  silent: boolean
  /** Whether the customer's provider speaks Domain Connect. */
  applies: boolean
  /** Whether challenges can be delegated to the house. */
  serves: boolean
  zones: string[]
  /** Zones that each token edits. */
  tokens: Map<string, string[]>
  refusal: string | undefined
  preflight: PreflightVerdict
  certificates: Map<string, CertificateStanding>
  /** What obtaining comes to while `issues` is false. */
  uncertified: CertificateStanding
  /** What becomes of an order. */
  issues: boolean
  obtained: string[]
  published: string[][]
  events: ConnectEvent[]
  timeline: string[]
  /** Records that were told of as written. */
  written: string[]
  /** Our own address, and those that were ours. */
  address: string
  former: FormerAddress[]
}

const jwtSecret = "a secret that is long enough for HS256"

/** The connect API on a store in memory, with everything but time, the DNS, certificates and providers real. */
export async function startConnect(settings: { credentials?: boolean } = {}) {
  const clock = { ms: Date.UTC(2026, 10, 29, 14) }
  const now = () => clock.ms
  const db = await openDatabase(":memory:")
  const log = createLog("error", () => {})
  const world: World = {
    records: new Map(),
    silent: false,
    applies: false,
    serves: false,
    zones: ["customer.com"],
    tokens: new Map(),
    refusal: undefined,
    preflight: { verdict: "ready", sentence: "", fix: null },
    certificates: new Map(),
    uncertified: { state: "backing_off", problem: "the CA said no" },
    issues: true,
    obtained: [],
    published: [],
    events: [],
    timeline: [],
    written: [],
    address: "198.51.100.4",
    former: [],
  }
  const signer = new Signer(jwtSecret, now)
  const accounts = new AccountStore(db)
  const people = new People(accounts, signer, new LoginLimit(now), now)
  const connect: Connect = new Connect({
    db,
    vault: new Vault("1".repeat(64)),
    credentialVault: settings.credentials === false ? undefined : new Vault("2".repeat(64)),
    signer,
    baseDomain: "cloud.example.org",
    edge: () => ({ cname: "ingress.cloud.example.org", ipv4: [world.address], ipv6: [] }),
    place: async (hostname) => {
      const apex = hostname.split(".").slice(-2).join(".")
      return { apex, kind: hostname === apex ? "apex" : "subdomain", provider: "cloudflare", flattens: false }
    },
    checkTxt: async (name, value) => ({
      proven: world.records.get(`${name} TXT`)?.includes(value) ?? false,
      detail: `TXT ${name}: ${world.records.get(`${name} TXT`)?.join(", ") ?? "ns1.customer.com answered NXDOMAIN"}`,
    }),
    judge: async (records) => records.map((record) => judge(world, record)),
    preflight: async () => world.preflight,
    applyUrl: async ({ hostname }) => (world.applies ? `https://dns.example/apply?domain=${hostname}` : undefined),
    challengeTarget: (personId) => (world.serves ? `c-${personId}.acme.cloud.example.org` : undefined),
    isOwnIssuer: () => false,
    delegatedZone: async (hostname) => world.zones.find((zone) => hostname === zone || hostname.endsWith(`.${zone}`)),
    formerAddresses: () => world.former,
    publish: async () => void world.published.push((await connect.routes()).map(({ host }) => host).sort()),
    obtain: async (hostname) => {
      world.obtained.push(hostname)
      await Bun.sleep(0)
      world.certificates.set(hostname, world.issues ? { state: "issued" } : world.uncertified)
    },
    certificate: async (hostname) => world.certificates.get(hostname) ?? { state: "none" },
    forgetCertificate: async () => {},
    enqueue: async (_trx, event) => void world.events.push(event),
    kick: () => {},
    wrote: async (row, zone, { provider }, records) =>
      void world.written.push(
        ...records.map(({ host, type, purpose }) => `${row.hostname}: ${host} ${type} in ${zone} at ${provider} for ${purpose}`),
      ),
    note: (row, _kind, text) => void world.timeline.push(`${row.hostname}: ${text}`),
    intervalMs: 15_000,
    expiryMs: 7 * 86_400_000,
    driftIntervalMs: 900_000,
    composeToken,
    openProvider: (provider, token) => writer(world, provider, token),
    container: (id) => db.selectFrom("containers").select("personId").where("id", "=", id).executeTakeFirst(),
    emailPlan: async ({ domain }) => ({
      written: [{ host: String(domain), type: "MX", value: "smtp.google.com", ttl: 3600, priority: 1 }],
      manual: [{ host: String(domain), type: "TXT", value: "v=spf1 include:_spf.google.com ~all", ttl: 3600 }],
      notes: [],
    }),
    guide: async () => ({
      provider: "Cloudflare",
      panelUrl: "https://dash.cloudflare.com/",
      hostField: (name) => name.split(".").slice(0, -2).join(".") || "@",
    }),
    linkAddress: () => "https://connect.cloud.example.org",
    origins: {
      resolve: async (name) => (name === "origin.acme.example" ? ["203.0.113.80"] : name === "inside.acme.example" ? ["10.0.0.5"] : []),
      problem: (address, _port, isAdmin) => (address.startsWith("10.") && !isAdmin ? `${address} is a private address` : undefined),
      now,
    },
    log,
    now,
  })
  const guards = new ConnectGuards(
    new Guards(
      new Authenticator(accounts, signer, now),
      () => false,
      () => false,
    ),
    connect.keys,
    connect.tokens,
    connect.usage,
  )
  const { guard } = guards
  const { applications, keys, credentials, tokens, connections, usage, idempotency } = connect
  const root = httpRoot({
    routes: [
      applicationRoutes({ applications, keys, credentials, tokens, idempotency, guard }),
      connectionRoutes({ connections, email: connect.email, idempotency, guard, inspect: async (_principal, body) => body }),
      planRoutes(usage, guard, () => []),
      linkRoutes(connect.links, guard),
    ],
    isAllowedOrigin: (origin) => origin === "https://cloud.example.org",
    embeds: applications.embeds,
    log,
  })
  const send = (method: string, path: string, token?: string, body?: unknown, headers: Record<string, string> = {}) => {
    const all = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers }
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body)
    return root.handle(new Request(`http://localhost:8080${path}`, { method, headers: all, ...(text === undefined ? {} : { body: text }) }))
  }
  /** The answer's JSON; throws it where its status is not the one wanted. */
  const ask = async (status: number, ...request: Parameters<typeof send>): Promise<Reply> => {
    const res = await send(...request)
    const text = await res.text()
    if (res.status !== status) throw new Error(`${request[0]} ${request[1]} answered ${res.status}: ${text}`)
    return (text === "" ? {} : JSON.parse(text)) as Reply
  }
  /** A person with a session. */
  const person = async (username: string, isAdmin = false) => {
    const id = username
    await db
      .insertInto("people")
      .values({ id, username, displayName: username, passwordHash: "", isAdmin: isAdmin ? 1 : 0, createdAt: now(), disabledAt: null })
      .execute()
    const session = { id: `s-${id}`, personId: id, address: "", createdAt: now(), expiresAt: now() + 365 * 86_400_000 }
    await db.insertInto("sessions").values(session).execute()
    const token = await signer.sign({ user_id: id, sid: session.id, type: "" }, session.expiresAt)
    return { id, token }
  }
  /** An application of a person, and the secret of a key for it. */
  const product = async (owner: { token: string }, granted: string[] = ["connections:read", "connections:write"], more: object = {}) => {
    const made = await ask(201, "POST", "/v1/applications", owner.token, {
      name: "Acme",
      environment: "test",
      origin_url: "http://198.51.100.80",
      ...more,
    })
    const key = await ask(201, "POST", `/v1/applications/${made.id}/keys`, owner.token, { name: "server", scopes: granted })
    return { id: made.id, key: String(key.secret), keyId: key.id }
  }
  /** An external container of a person. */
  const container = async (owner: { id: string }, id: string) => {
    const sizes = { memoryMb: 0, storageGb: 0, instanceType: "external", pullPolicy: "IfNotPresent" }
    const row = { id, personId: owner.id, name: id, kind: "external" as const, image: null, ...sizes, createdAt: now() }
    const state = {
      desired: "running" as const,
      status: "running" as const,
      statusDetail: null,
      address: "10.9.0.2",
      engineId: null,
      ports: "{}",
    }
    await db
      .insertInto("containers")
      .values({ ...row, ...state })
      .execute()
  }
  const due = () => connect.lifecycle.lookDue(new AbortController().signal)
  return { routes: root.routes, clock, db, world, people, connect, send, ask, person, product, container, due }
}

/** What answers look like as far as tests read them. */
export type Reply = {
  id: string
  state: string
  desired_records: DnsRecord[]
  ownership_challenge: { name: string; type: string; value: string }
  error: { code: string; message: string; details: Record<string, unknown> | null }
  data: Reply[]
  next_cursor: string | null
  [name: string]: unknown
}

function judge(world: World, record: DnsRecord) {
  const values = world.records.get(`${record.host} ${record.type}`)
  const propagated = !world.silent && (values?.includes(record.value) ?? false)
  const outcome = world.silent ? "unreachable" : values === undefined ? "nxdomain" : "answer"
  return {
    record,
    propagated,
    observedValue: world.silent ? null : (values?.[0] ?? null),
    authorities: [{ server: "ns1.customer.com", outcome, values: values ?? [] }],
    recursives: [],
    explanation: propagated ? "it is there" : `${record.host} ${record.type} is not there`,
  }
}

function writer(world: World, provider: string, token: string): DnsWriter {
  if (provider !== "cloudflare") throw new AppError("invalid", `provider: "${provider}" is not known`)
  if (token.length < 4) throw new AppError("invalid", "token must be an API token")
  return {
    zoneOf: async (hostname) => {
      if (world.refusal !== undefined) throw new AppError("bad_gateway", world.refusal)
      return world.tokens.get(token)?.find((zone) => hostname === zone || hostname.endsWith(`.${zone}`))
    },
    write: async (_zone, records) => {
      if (world.refusal !== undefined) throw new AppError("bad_gateway", world.refusal)
      for (const { host, type, value } of records) world.records.set(`${host} ${type}`, [value])
    },
    remove: async (_zone, records) => {
      for (const { host, type } of records) world.records.delete(`${host} ${type}`)
    },
  }
}
