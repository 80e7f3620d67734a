import { Authenticator } from "../accounts/authenticator"
import { parseScopes } from "../accounts/scopes"
import { Signer } from "../accounts/signer"
import { AccountStore } from "../accounts/store"
import { Tokens } from "../accounts/tokens"
import { Guards } from "../http/guards"
import { type HttpRoot, httpRoot } from "../http/root"
import { serveApi } from "../listen"
import { Vault } from "../vault"
import { StorageAccess } from "./access"
import { AccessKeys } from "./access-keys"
import { Allowance } from "./allowance"
import { Files } from "./files"
import { Progress } from "./progress"
import { ResumableUploads } from "./resumable-uploads"
import { storageRoutes } from "./routes"
import { SignedLinks } from "./signed-links"
import { StorageHouse } from "./storage.fixture"
import { tusDiscovery } from "./tus-routes"
import { Usage } from "./usage"

type Body = string | object | ReadableStream<Uint8Array> | undefined
export type Options = { token?: string; body?: Body; headers?: Record<string, string> }

/** The document's API over a real core, with real tokens; `ann` and `bob` are there, and `ada` is an administrator. */
export class ApiHouse {
  root!: HttpRoot
  signer!: Signer
  tokens!: Tokens
  /** How often a reading of everything was asked for. */
  scrubs = 0
  expiryMs = 3_600_000
  progress = new Progress({ keptMs: 200, keepAliveMs: 50, maxPerPerson: 3 })
  private server: Bun.Server<undefined> | undefined

  private constructor(readonly house: StorageHouse) {}

  static async open(): Promise<ApiHouse> {
    const api = new ApiHouse(await StorageHouse.open())
    const { db } = api.house
    await db
      .insertInto("people")
      .values({ id: "ada", username: "ada", displayName: "ada", passwordHash: "", isAdmin: 1, createdAt: 0 })
      .execute()
    api.start()
    return api
  }

  /** One in which `ann` has the namespace `photos`, with sessions of both. */
  static async withPhotos(): Promise<{ api: ApiHouse; ann: string; bob: string }> {
    const api = await ApiHouse.open()
    await api.house.namespace("photos")
    return { api, ann: await api.session("ann"), bob: await api.session("bob") }
  }

  private start(): void {
    const { house } = this
    const { db, log } = house
    const now = () => house.time
    const store = new AccountStore(db)
    this.signer = new Signer("a secret that is long enough for HS256", now)
    this.tokens = new Tokens(store, this.signer, now)
    const isOwn = (origin: string) => origin === "https://cloud.example.org"
    const guards = new Guards(new Authenticator(store, this.signer, now), isOwn, () => false)
    const access = new StorageAccess(house.namespaces, {
      scoped: guards.storage,
      token: (request) => guards.principal(request, true),
      session: (request) => guards.session(request),
      admin: guards.admin,
    })
    const files = new Files(house.objects)
    const routes = storageRoutes({
      access,
      blobs: house.blobs,
      files,
      floorBytes: () => house.floorBytes,
      s3Endpoint: () => "https://s3.example.org",
      keys: new AccessKeys({ db, vault: new Vault("5".repeat(64)), parseScopes, now }),
      links: new SignedLinks({ secret: "6".repeat(64), find: (name) => house.store.find(name), isEnabled: house.store.isEnabled, now }),
      moves: house.moves,
      namespaceStore: house.store,
      namespaces: house.namespaces,
      objects: house.objects,
      progress: this.progress,
      reader: house.reader,
      references: house.references,
      resumable: new ResumableUploads({
        uploads: house.uploads,
        objects: house.objects,
        namespaces: house.store,
        expiryMs: () => this.expiryMs,
        now,
        waitMs: 1000,
      }),
      scrubber: { request: () => void this.scrubs++ },
      usage: new Usage(house.store, new Allowance(house.store, () => house.quotaBytes), files, house.references),
    })
    this.root = httpRoot({ routes, isAllowedOrigin: isOwn, discovery: tusDiscovery, log })
  }

  async close(): Promise<void> {
    this.progress.stop()
    await this.server?.stop(true)
    await this.house.close()
  }

  /** A session of this person. */
  async session(personId: string): Promise<string> {
    const id = crypto.randomUUID()
    const [createdAt, expiresAt] = [this.house.time, this.house.time + 86_400_000 * 30]
    await this.house.db.insertInto("sessions").values({ id, personId, address: "", createdAt, expiresAt }).execute()
    return this.signer.sign({ user_id: personId, type: "", sid: id }, expiresAt)
  }

  /** A standalone API token with these scopes, of which the person's id is left out: `storage.files.photos`. */
  async apiToken(personId: string, scopes: Record<string, string[]>): Promise<string> {
    return (await this.tokens.create(personId, { name: "t", scopes: withPerson(personId, scopes) })).token
  }

  /** A token of a service account with these scopes. */
  async serviceToken(personId: string, scopes: Record<string, string[]>): Promise<string> {
    const account = await this.tokens.createAccount(personId, { name: "bot", scopes: withPerson(personId, scopes) })
    return (await this.tokens.createAccountToken(personId, account.id, { name: "t" })).token
  }

  send(method: string, path: string, { token, body, headers = {} }: Options = {}): Promise<Response> {
    const init = { method, headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` }, ...bodyOf(body) }
    return this.root.handle(new Request(`http://127.0.0.1${path}`, init))
  }

  /** The same through a socket; the origin of the server. */
  serve(): string {
    this.server ??= serveApi("api_listen", { host: "127.0.0.1", port: 0 }, (request) => this.root.handle(request))
    return `http://127.0.0.1:${this.server.port}`
  }
}

/** Requests with this token unless they bring another; `ask` answers status and JSON. */
export function callsOf(who: () => { api: ApiHouse; token: string }) {
  const send = (method: string, path: string, options: Options = {}) => {
    const { api, token } = who()
    return api.send(method, path, { token, ...options })
  }
  const ask = async (method: string, path: string, options: Options = {}) => {
    const res = await send(method, path, options)
    return [res.status, await res.json()] as [number, Record<string, unknown>]
  }
  return { send, ask }
}

function bodyOf(body: Body): object {
  if (body === undefined) return {}
  const isPlain = typeof body === "string" || body instanceof ReadableStream || body instanceof FormData || body instanceof Uint8Array
  return { body: isPlain ? body : JSON.stringify(body), ...(body instanceof ReadableStream ? { duplex: "half" } : {}) }
}

/** `storage.files.photos` as `storage.<person>.files.photos`. */
export const withPerson = (personId: string, scopes: Record<string, string[]>) =>
  Object.fromEntries(
    Object.entries(scopes).map(([path, actions]) => {
      const [root = "", ...rest] = path.split(".")
      return [[root, personId, ...rest].join("."), actions]
    }),
  )
