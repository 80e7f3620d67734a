import { openDatabase } from "../db/open"
import { silentLog } from "../log"
import { httpRoot } from "../http/root"
import { AppError } from "../errors"
import { Vault } from "../vault"
import { DeliveryStore } from "./delivery-store"
import type { Caller, DeliveryDetail, DeliveryReply, NewEvent } from "./model"
import { webhookRoutes } from "./routes"
import { WebhookService } from "./service"
import { WebhookStore } from "./store"
import { TargetRule } from "./target-rule"

/** Waits for a condition of a test; throws after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what} did not come about`)
    await Bun.sleep(3)
  }
}

/** Tokens of the tests, and who they are. */
const callers: Record<string, Caller> = {
  ada: { personId: "ada", environment: undefined },
  ada_test: { personId: "ada", environment: "test" },
  ada_live: { personId: "ada", environment: "live" },
  bob: { personId: "bob", environment: undefined },
}

export type HouseOptions = { path?: string; allow?: string[]; addresses?: string[]; limitMs?: number; roots?: () => Promise<string[]> }

/** Webhooks over a real store, with people, a clock that stands still until it is moved, and names that all lead to loopback. */
export class House {
  now = 1_790_000_000_000

  private constructor(
    readonly db: Awaited<ReturnType<typeof openDatabase>>,
    private options: HouseOptions,
    readonly allow: string[],
  ) {}

  readonly vault = new Vault("ab".repeat(32))
  service!: WebhookService
  private root!: ReturnType<typeof httpRoot>

  static async open(options: HouseOptions = {}): Promise<House> {
    const db = await openDatabase(options.path ?? ":memory:")
    for (const id of ["ada", "bob"]) {
      const row = { id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 1, disabledAt: null }
      await db
        .insertInto("people")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    const house = new House(db, options, options.allow ?? ["127.0.0.0/8"])
    house.assemble()
    return house
  }

  /** As after a restart: everything new but for the store. */
  assemble(): void {
    const { addresses = ["127.0.0.1"], limitMs = 20_000, roots = async () => [] } = this.options
    const rule = new TargetRule({ allow: () => this.allow, ownListeners: () => [], resolve: async () => addresses })
    const [store, deliveries] = [new WebhookStore(this.db), new DeliveryStore(this.db)]
    const { vault } = this
    this.service = new WebhookService({ store, deliveries, rule, vault, extraRoots: roots, limitMs, log: silentLog, now: () => this.now })
    const guard = async (request: Request, ...anyOf: string[]) => {
      const token = request.headers.get("authorization")?.slice(7) ?? ""
      if (token === "reader") throw new AppError("forbidden", `the key holds none of ${anyOf.join(", ")}`)
      const caller = callers[token]
      if (caller === undefined) throw new AppError("unauthorized", "unauthorized")
      return caller
    }
    this.root = httpRoot({ routes: [webhookRoutes(this.service, guard)], isAllowedOrigin: () => true, log: silentLog })
  }

  /** The status and the JSON of an answer; undefined where it has no body. */
  async send(method: string, path: string, options: { token?: string; body?: unknown } = {}): Promise<{ status: number; json: any }> {
    const { token = "ada", body } = options
    const headers = { "content-type": "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) }
    const init = { method, headers, ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }) }
    const response = await this.root.handle(new Request(`http://localhost/v1${path}`, init))
    const text = await response.text()
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text) }
  }

  /** A new endpoint's id and secret. */
  async endpoint(url: string, options: { events?: string[]; token?: string } = {}): Promise<{ id: string; secret: string }> {
    const { token, events } = options
    const { status, json } = await this.send("POST", "/webhook-endpoints", { ...(token ? { token } : {}), body: { url, events } })
    if (status !== 201) throw new Error(JSON.stringify(json))
    return { id: json.id, secret: json.signing_secret }
  }

  /** Something happens to a connection, as the connect feature says it. */
  async happen(jobId: string, event: Partial<NewEvent> = {}): Promise<void> {
    const whole: NewEvent = {
      personId: "ada",
      environment: "live",
      type: "ssl.issued",
      jobId,
      data: { hostname: "a.example" },
      at: this.now,
      ...event,
    }
    await this.db.transaction().execute((db) => this.service.enqueue(db, whole))
    this.service.kick()
  }

  /** Ids of what could be sent now. */
  async due(): Promise<string[]> {
    return (await new DeliveryStore(this.db).due(this.now, 1000, [], [])).map(({ id }) => id)
  }

  async deliveries(query = "", token = "ada"): Promise<DeliveryReply[]> {
    return (await this.send("GET", `/webhook-deliveries?limit=100${query}`, { token })).json.data
  }

  async detail(id: string): Promise<DeliveryDetail> {
    return (await this.send("GET", `/webhook-deliveries/${id}`)).json
  }

  /** Time passes. */
  pass(ms: number): void {
    this.now += ms
    this.service.kick()
  }

  async close(): Promise<void> {
    await this.service.stop()
    await this.db.destroy()
  }
}
