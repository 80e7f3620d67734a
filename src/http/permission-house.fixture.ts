import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type App, startApp } from "../app"
import { readSettings } from "../config"
import { type Db, openDatabase } from "../db/open"
import { LiveConfig } from "../live-config"
import { silentLog } from "../log"
import type { Thing } from "./permission-table.fixture"

const password = "correct horse battery"
export const jwtSecret = "a secret that is long enough for HS256"

/** A person with a session, a standalone token and one of a service account, whose scopes a test sets. */
export type Person = {
  id: string
  username: string
  session: string
  tokens: { kind: string; token: string; setScopes: (scopes: object) => Promise<void> }[]
}

/** A whole appliance on loopback ports, with three people in it; the third one has one of each thing. */
export class PermissionHouse {
  ada!: Person
  bob!: Person
  things!: Record<Thing, string>

  private constructor(
    private folder: string,
    readonly app: App,
    private db: Db,
  ) {}

  static async open(): Promise<PermissionHouse> {
    const folder = await mkdtemp(join(tmpdir(), "freehold-matrix-"))
    const settings = {
      data_dir: folder,
      api_listen: "127.0.0.1:0",
      http_listen: "127.0.0.1:0",
      https_listen: "127.0.0.1:0",
      base_domain: "cloud.test",
      container_engine: "none",
      edge_workers: "1",
      admin_username: "ada",
      admin_password: password,
      jwt_secret: jwtSecret,
      // Nothing listens there: what would ask a provider or the DNS is refused at once.
      cloudflare_api: "http://127.0.0.1:9",
      dns_roots: "127.0.0.1:9",
    }
    const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key.replaceAll("_", "-")}`, value])
    const app = await startApp(new LiveConfig(() => readSettings(flags, {})), silentLog)
    const house = new PermissionHouse(folder, app, await openDatabase(join(folder, "freehold.db")))
    const session = await house.logIn("ada")
    for (const username of ["bob", "vic"]) await house.send("POST", "/admin/users", session, { username, password })
    house.ada = await house.person("ada")
    house.bob = await house.person("bob")
    house.things = await house.makeThings(await house.person("vic"))
    return house
  }

  async close(): Promise<void> {
    await this.app.stop(0)
    await this.db.destroy()
    await rm(this.folder, { recursive: true, force: true })
  }

  async send(
    method: string,
    path: string,
    token?: string,
    body?: object,
    fields: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const headers = token === undefined ? fields : { ...fields, authorization: `Bearer ${token}` }
    const hasBody = method !== "GET" && body !== undefined
    const res = await fetch(`http://127.0.0.1:${this.app.ports.api}${path}`, {
      method,
      headers,
      redirect: "manual",
      ...(hasBody ? { body: JSON.stringify(body) } : {}),
    })
    // A stream of events has no end of its own.
    const isStream = res.ok && res.headers.get("content-type")?.startsWith("text/event-stream") === true
    if (isStream) await res.body?.cancel()
    return { status: res.status, text: isStream ? "" : await res.text() }
  }

  private async answer<T>(method: string, path: string, token: string | undefined, body: object): Promise<T> {
    const { status, text } = await this.send(method, path, token, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return JSON.parse(text) as T
  }

  async logIn(username: string): Promise<string> {
    return (await this.answer<{ token: string }>("POST", "/api/login", undefined, { username, password })).token
  }

  private async person(username: string): Promise<Person> {
    const session = await this.logIn(username)
    const { user_id: id } = JSON.parse((await this.send("GET", "/api/session", session)).text) as { user_id: string }
    const scopes = { [`compute.${id}`]: ["read"] }
    const own = await this.answer<{ id: string; token: string }>("POST", "/api/tokens", session, { name: "own", scopes })
    const account = await this.answer<{ id: string }>("POST", "/api/service-accounts", session, { name: "bot", scopes })
    const bot = await this.answer<{ token: string }>("POST", `/api/service-accounts/${account.id}/tokens`, session, { name: "bot" })
    const text = (value: object) => ({ scopes: JSON.stringify(value) })
    const setOwn = async (value: object) =>
      void (await this.db.updateTable("apiTokens").set(text(value)).where("id", "=", own.id).execute())
    const setBot = async (value: object) =>
      void (await this.db.updateTable("serviceAccounts").set(text(value)).where("id", "=", account.id).execute())
    const tokens = [
      { kind: "standalone token", token: own.token, setScopes: setOwn },
      { kind: "service account's token", token: bot.token, setScopes: setBot },
    ]
    return { id, username, session, tokens }
  }

  /** One of each thing, all of them `owner`'s. */
  private async makeThings(owner: Person): Promise<Record<Thing, string>> {
    const personId = owner.id
    const at = { createdAt: 1 }
    const nothing = {
      image: null,
      memoryMb: 0,
      storageGb: 0,
      instanceType: "external",
      pullPolicy: "IfNotPresent",
      statusDetail: null,
      engineId: null,
    }
    const state = { desired: "running" as const, status: "running" as const, address: "192.0.2.20", ports: "{}" }
    await this.db
      .insertInto("containers")
      .values({ id: "0c0ffee0", personId, name: "vics", kind: "external", ...nothing, ...state, ...at })
      .execute()
    const window = { windowStartedAt: 1, nextCheckAt: 9e15, checks: 0, lastDetail: null, verifiedAt: null, proof: null }
    const options = { http: "redirect" as const, upstreamProtocol: "http1" as const, accessLog: 1 }
    const mapping = {
      id: "dom_vic",
      personId,
      domain: "vic.example.com",
      containerId: "0c0ffee0",
      targetPort: 80,
      status: "pending" as const,
    }
    await this.db
      .insertInto("domainMappings")
      .values({ ...mapping, verifyToken: "edd-verify-vic", ...options, ...window, ...at })
      .execute()
    await this.db
      .insertInto("ownedDomains")
      .values({ id: "cfc_vic", personId, sealedToken: "x.y", zones: '["vic.example.com"]', ...at })
      .execute()
    await this.db
      .insertInto("registryCredentials")
      .values({ id: "reg_vic", personId, registry: "r.vic.test", username: "vic", sealedPassword: "x", ...at })
      .execute()
    const key = { personId, name: "vics", publicKey: "ssh-ed25519 AAAA", fingerprint: "SHA256:vic", ...at }
    const { id: sshKey } = await this.db.insertInto("peopleSshKeys").values(key).returning("id").executeTakeFirstOrThrow()
    const { id: namespaceId, name: namespace } = await this.db
      .insertInto("namespaces")
      .values({ name: "things-of-v", personId, createdAt: 1 })
      .returning(["id", "name"])
      .executeTakeFirstOrThrow()
    const upload = "0123456789abcdef0123456789abcdef"
    const plain = { contentType: "a/b", headers: null, tags: null, checksum: null, announcedSize: 10, touchedAt: Date.now(), ...at }
    await this.db
      .insertInto("storageUploads")
      .values({ id: upload, namespaceId, key: "a", personId, kind: "tus", ...plain })
      .execute()
    const storageKey = "FH0123456789ABCDEF00"
    const sealed = { sealedSecret: "x.y", scopes: null, lastUsedAt: 0 }
    await this.db
      .insertInto("storageKeys")
      .values({ id: storageKey, personId, name: "vics", ...sealed, ...at })
      .execute()
    const token = await this.db.selectFrom("apiTokens").select("id").where("personId", "=", personId).executeTakeFirstOrThrow()
    const account = await this.db.selectFrom("serviceAccounts").select("id").where("personId", "=", personId).executeTakeFirstOrThrow()
    const [session] = JSON.parse((await this.send("GET", "/api/settings/sessions", owner.session)).text) as { id: number }[]
    const ids = { token: token.id, account: account.id, session: String(session?.id), sshKey: String(sshKey) }
    return { container: "0c0ffee0", mapping: "dom_vic", domain: "cfc_vic", registry: "reg_vic", namespace, storageKey, upload, ...ids }
  }

  /** Everything that the third person has, as the store has it. */
  async belongings(): Promise<string> {
    const rows: unknown[] = []
    for (const table of [
      "containers",
      "domainMappings",
      "ownedDomains",
      "registryCredentials",
      "peopleSshKeys",
      "serviceAccounts",
      "sessions",
      "namespaces",
      "storageKeys",
      "storageUploads",
    ] as const) {
      const own = this.db.selectFrom(table).selectAll().where("personId", "not in", [this.ada.id, this.bob.id])
      rows.push(table, await own.execute())
    }
    rows.push(
      await this.db
        .selectFrom("apiTokens")
        .select(["id", "hash", "scopes"])
        .where("personId", "not in", [this.ada.id, this.bob.id])
        .execute(),
    )
    return JSON.stringify(rows)
  }
}
