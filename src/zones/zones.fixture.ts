import { expect } from "bun:test"
import { type CloudflareGrant, startCloudflare } from "../../test/lab/cloudflare"
import type { CloudflareZone } from "../../test/lab/cloudflare-records"
import { openDatabase } from "../db/open"
import { AppError } from "../errors"
import { httpRoot } from "../http/root"
import { createLog } from "../log"
import { Vault } from "../vault"
import { CloudflareProvider } from "./cloudflare"
import { zoneRoutes } from "./routes"
import { ZoneService } from "./service"
import { ZoneStore } from "./store"
import type { Sight } from "./written-record-model"
import { WrittenRecordStore } from "./written-record-store"
import { WrittenRecords } from "./written-records"

/** The encryption key of the house. */
export const key = "a".repeat(64)
/** When the clock starts, which then goes on by a millisecond a look. */
export const at = Date.parse("2026-06-01T12:00:00.789Z")
/** Where CNAMEs lead. */
export const target = "ingress.cloud.test"
const stops: (() => Promise<void>)[] = []

/** Ends what was set up. */
export async function stopZones(): Promise<void> {
  for (const stop of stops.splice(0)) await stop()
}

const theZones: CloudflareZone[] = [
  { id: "z1", name: "example.test" },
  { id: "z2", name: "dev.example.test" },
  { id: "z3", name: "claimed.test", status: "pending" },
]
const theTokens: Record<string, CloudflareGrant> = {
  "token-all": ["z1", "z2"],
  "token-one": ["z1"],
  "token-none": [],
  "token-reads": { zones: ["z1"], edit: false },
  "token-claims": ["z3"],
}

/** Owned domains of Ann and Ben on a store in memory, at a stand-in of Cloudflare; `seen` says what a look at records finds, by their names. */
export async function setup(options: { keyHex?: string | null; zones?: CloudflareZone[]; tokens?: Record<string, CloudflareGrant> } = {}) {
  const cloudflare = startCloudflare({ zones: [...(options.zones ?? theZones)], tokens: { ...(options.tokens ?? theTokens) } })
  const db = await openDatabase(":memory:")
  stops.push(cloudflare.stop, () => db.destroy())
  for (const id of ["ann", "ben"]) {
    await db.insertInto("people").values({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0 }).execute()
  }
  const lines: string[] = []
  const guarded: (string | undefined)[] = []
  const store = new ZoneStore(db)
  let time = at
  const seen = new Map<string, boolean>()
  const holders = new Map<string, Sight[]>()
  const questions: string[] = []
  const records = new WrittenRecords({
    store: new WrittenRecordStore(db),
    zones: store,
    holders: async (asked) => new Map([...holders].filter(([key]) => asked.some(({ kind, id }) => key === `${kind} ${id}`))),
    look: async (wanted) => wanted.map(({ name }) => seen.get(name)),
    take: (personId) => void questions.push(personId),
    log: createLog("debug", (line) => lines.push(line)),
    now: () => time++,
  })
  const service = (keyHex: string | null, baseUrl = cloudflare.url) =>
    new ZoneService({
      store,
      vault: keyHex === null ? undefined : new Vault(keyHex),
      provider: new CloudflareProvider({ baseUrl }),
      target,
      records,
      log: createLog("debug", (line) => lines.push(line)),
      now: () => time++,
    })
  const serve = (zones: ZoneService) => {
    const routes = zoneRoutes(zones, records, async (request, _resource, id) => {
      guarded.push(id)
      const who = request.headers.get("authorization")
      if (who === null) throw new AppError("unauthorized", "unauthorized")
      if (who === "nobody") throw new AppError("forbidden", `forbidden: missing networking.x.domains${id ? `.${id}` : ""} scope`)
      return { personId: who, isAdmin: false }
    })
    const app = httpRoot({ routes: [routes], isAllowedOrigin: () => false, log: createLog("debug", (line) => lines.push(line)) })
    return async (method: string, path: string, body?: string, headers: Record<string, string> = { authorization: "ann" }) => {
      const res = await app.handle(new Request(`http://net.cloud.test${path}`, { method, body, headers }))
      return { status: res.status, type: res.headers.get("content-type"), text: await res.text() }
    }
  }
  const zones = service(options.keyHex === undefined ? key : options.keyHex)
  const send = serve(zones)
  const add = async (token: string, who = "ann") => {
    const res = await send("POST", "/api/domains", JSON.stringify({ token }), { authorization: who })
    expect(res.status).toBe(201)
    return JSON.parse(res.text) as { id: string; zones: string[] }
  }
  return { cloudflare, db, records, seen, holders, questions, store, zones, service, serve, send, add, lines, guarded }
}
