import { adminRoutes } from "../src/accounts/admin-routes"
import { Administration, type Holding } from "../src/accounts/administration"
import { AdministrationStore } from "../src/accounts/administration-store"
import { Authenticator } from "../src/accounts/authenticator"
import { cliLoginRoutes } from "../src/accounts/cli-login-routes"
import { LoginLimit } from "../src/accounts/login-limit"
import { People } from "../src/accounts/people"
import { ResetLinks } from "../src/accounts/reset-links"
import { resetRoutes } from "../src/accounts/reset-routes"
import { accountRoutes } from "../src/accounts/routes"
import { sessionsAdminRoutes } from "../src/accounts/sessions-admin-routes"
import { settingsRoutes } from "../src/accounts/settings-routes"
import { setupRoutes } from "../src/accounts/setup-routes"
import { twoFactorAdminRoutes } from "../src/accounts/two-factor-admin-routes"
import { twoFactorRoutes } from "../src/accounts/two-factor-routes"
import { Signer } from "../src/accounts/signer"
import { AccountStore } from "../src/accounts/store"
import { Tokens } from "../src/accounts/tokens"
import { auditRoutes } from "../src/audit/routes"
import { AuditTrail } from "../src/audit/service"
import { AuditStore } from "../src/audit/store"
import { OwnAccount } from "../src/app/own-account"
import { openDatabase } from "../src/db/open"
import type { Lookup } from "../src/dns/lookup"
import { ClientAddresses } from "../src/http/client-address"
import { allowOrigins, isContainerPage } from "../src/http/cors"
import { Guards } from "../src/http/guards"
import { RequestAudit } from "../src/http/request-audit"
import { httpRoot } from "../src/http/root"
import { sessionCookie } from "../src/http/session-cookie"
import { createLog } from "../src/log"
import { mappingRoutes } from "../src/mappings/routes"
import { type MappingNeeds, MappingService } from "../src/mappings/service"
import { MappingStore } from "../src/mappings/store"
import { Vault } from "../src/vault"

export const jwtSecret = "a secret that is long enough for HS256"
export const password = "correct horse battery"
/** What a password costs where a test is about something else: a hundredth of what it costs an appliance. */
export const quickHashing = { algorithm: "argon2id", memoryCost: 64, timeCost: 1 } as const

/** The accounts and mappings API on a store in memory, driven without a socket. Time and the DNS are the test's to say. */
export async function startApi(change: Partial<MappingNeeds> = {}) {
  const clock = { ms: Date.UTC(2026, 10, 21) }
  const now = () => clock.ms
  const db = await openDatabase(":memory:")
  const logged: string[] = []
  const log = createLog("debug", (line) => logged.push(line))
  const signer = new Signer(jwtSecret, now)
  const store = new AccountStore(db)
  const people = new People(store, signer, new LoginLimit(now), now, quickHashing)
  const ownAccount = new OwnAccount({
    db,
    vault: new Vault("5".repeat(64)),
    signer,
    people,
    baseDomain: "cloud.example.org",
    webauthnOrigins: () => ["https://cloud.example.org"],
    pageOrigin: () => "https://cloud.example.org",
    now,
  })
  const tokens = new Tokens(store, signer, now)
  const isAllowedOrigin = allowOrigins(["https://cloud.example.org", "https://*.cloud.example.org"])
  const guards = new Guards(new Authenticator(store, signer, now), isAllowedOrigin, (origin) =>
    isContainerPage(origin, "cloud.example.org", []),
  )
  const addresses = new ClientAddresses()
  const txt = new Map<string, Lookup["answers"]>()
  const live: { published: string[][]; certified: string[]; asked: string[]; automated: Set<string> } = {
    published: [],
    certified: [],
    asked: [],
    automated: new Set(),
  }
  const mappingStore = new MappingStore(db)
  const mappings = new MappingService({
    store: mappingStore,
    baseDomain: "cloud.example.org",
    privateZones: ["home.arpa", "lan"],
    container: (id) => db.selectFrom("containers").select("personId").where("id", "=", id).executeTakeFirst(),
    lookupTxt: async (name) => {
      live.asked.push(name)
      const answers = txt.get(name) ?? [{ server: "ns1.example.net", address: "192.0.2.1", outcome: "nxdomain", values: [] }]
      return { name, type: "TXT", zone: "example.net", via: "authoritative", answers }
    },
    automate: async (_person, domain) => live.automated.has(domain),
    unautomate: async (_person, domain) => void live.automated.delete(domain),
    wildcardProblem: async () => undefined,
    challengeTarget: () => undefined,
    publish: async () => void live.published.push((await mappingStore.verified()).map((m) => m.domain).sort()),
    certify: (domain) => void live.certified.push(domain),
    forgetCertificate: async () => {},
    certificateStatus: async () => ({ state: "none" }),
    log,
    maxPending: 5,
    intervalMs: 30_000,
    expiryMs: 7 * 86_400_000,
    now,
    ...change,
  })
  const tried = (request: Request, account: { user_id: string; username: string }) => audit.tried(request, account)
  const door = {
    session: (request: Request) => guards.session(request),
    maybeSession: (request: Request) => guards.maybeSession(request),
    address: (request: Request) => addresses.of(request),
    tried,
  }
  const administrationStore = new AdministrationStore(db)
  const links = new ResetLinks(administrationStore, now)
  const stopped: string[] = []
  const holdings: Holding[] = [
    {
      kind: "domain_mappings",
      list: async (personId) => (await mappingStore.list(personId)).map(({ id, domain }) => ({ id, name: domain })),
      remove: (personId, id) => mappings.delete(personId, id),
    },
    { kind: "api_tokens", list: (personId) => store.tokens(personId) },
  ]
  const onStopped = (personId: string) => void stopped.push(personId)
  const administration = new Administration({ store: administrationStore, accounts: store, links, holdings, onStopped, now })
  const retention = { ms: 365 * 86_400_000 }
  const trail = new AuditTrail({
    store: new AuditStore(db),
    get retentionMs() {
      return retention.ms
    },
    log,
    now,
    maxKnown: 50,
    maxUnknown: 40,
  })
  const audit = new RequestAudit({
    record: (entry) => trail.record(entry),
    who: guards.who,
    refusedToken: guards.refusedToken,
    address: door.address,
  })
  const routes = [
    accountRoutes(ownAccount.login, people, tokens, door),
    cliLoginRoutes(),
    twoFactorRoutes(ownAccount.login, door),
    settingsRoutes(ownAccount.settings, door),
    sessionsAdminRoutes(ownAccount.settings.sessions, guards.admin),
    twoFactorAdminRoutes(ownAccount.settings.twoFactor, guards.admin),
    setupRoutes(people, door.address, (request, { token }) => sessionCookie(request, token)),
    adminRoutes(administration, guards.admin),
    resetRoutes(links, audit.letIn),
    auditRoutes(trail, door.session),
    mappingRoutes(mappings, guards.networking),
  ]
  const root = httpRoot({ routes, isAllowedOrigin, audit, log })

  const raw = (request: Request, from = "192.0.2.7") => {
    addresses.note(request, from)
    return root.handle(request)
  }
  const send = (
    method: string,
    path: string,
    options: { token?: string; body?: unknown; from?: string; headers?: Record<string, string> } = {},
  ) => {
    const headers: Record<string, string> = { ...options.headers }
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
    const body = options.body === undefined ? undefined : typeof options.body === "string" ? options.body : JSON.stringify(options.body)
    return raw(new Request(`http://127.0.0.1${path}`, { method, headers, body }), options.from)
  }
  /** A signed-in person; the first one is the administrator. */
  const person = async (username: string) => {
    if (!(await people.createFirst(username, password))) await people.create(username, password)
    const reply = (await (await send("POST", "/api/login", { body: { username, password }, from: username })).json()) as {
      token: string
      user_id: string
    }
    return { id: reply.user_id, token: reply.token }
  }
  const container = async (personId: string, id: string) => {
    const common = { kind: "external" as const, image: null, memoryMb: 512, storageGb: 5, instanceType: "nano", pullPolicy: "IfNotPresent" }
    const state = {
      desired: "running" as const,
      status: "running" as const,
      statusDetail: null,
      engineId: null,
      address: "192.0.2.20",
      ports: "{}",
    }
    await db
      .insertInto("containers")
      .values({ id, personId, name: id, ...common, ...state, createdAt: now() })
      .execute()
    return id
  }
  /** A service account with these scopes, and a token of it. */
  const serviceToken = async (owner: { token: string }, scopes: Record<string, string[]>) => {
    const account = (await (await send("POST", "/api/service-accounts", { token: owner.token, body: { name: "bot", scopes } })).json()) as {
      id: string
    }
    const path = `/api/service-accounts/${account.id}/tokens`
    const token = (await (await send("POST", path, { token: owner.token, body: { name: "t" } })).json()) as { id: string; token: string }
    return { account: account.id, id: token.id, token: token.token }
  }
  return {
    administration,
    holdings,
    stopped,
    retention,
    trail,
    guards,
    clock,
    db,
    log,
    logged,
    signer,
    people,
    mappings,
    mappingStore,
    txt,
    live,
    raw,
    send,
    person,
    container,
    serviceToken,
  }
}
