import { escapeHtml as escape } from "../html"
import { DnsListener } from "../dns/listener"
import { AuthoritativeZone } from "../dns/zone"
import { AppError } from "../errors"

/** The zones that somebody at the demo may edit: the story's own, and that of a customer. */
const editable = ["demo.test", "customer.com"]
const types = ["A", "AAAA", "CNAME", "TXT", "MX", "CAA"] as const
type EditableType = (typeof types)[number]
type Shown = { name: string; type: EditableType; values: string[] }

/** The DNS of the demo: a small world of its own, and a DNS provider's panel in it. */
export type DemoDns = {
  /** Publishes a TXT record in a zone of the demo. */
  publishTxt(name: string, value: string): void
  /** The port of the panel. */
  panelPort: number
  stop(): Promise<void>
}

/**
 * Serves the demo's zones below a root of their own, so that the resolver walks delegations as it does outside, and the panel at which a customer enters
 * records, as a page and for scripts: `POST /records {"name", "type", "value"}`.
 */
export async function startDemoDns(ports: { dns: number; panel: number }, edge: { baseDomain: string; address: string }): Promise<DemoDns> {
  const server = "ns.demo.test"
  const common = { nameServers: [server], contact: "hostmaster.demo.test", ttlSeconds: 60 }
  const tops = [".", "test", "com", "localhost"].map((origin) => new AuthoritativeZone({ origin, ...common }))
  const zones = editable.map((origin) => new AuthoritativeZone({ origin, ...common }))
  zones[0]?.set(server, "A", ["127.0.0.1"])
  // Customers' records lead there, and whoever checks them wants to see where it is.
  tops.at(-1)?.set(`ingress.${edge.baseDomain}`, "A", [edge.address])
  const listener = new DnsListener({ zones: () => [...zones, ...tops] })
  await listener.start({ host: "127.0.0.1", port: ports.dns })
  const panel = new Panel(zones)
  const http = Bun.serve({ hostname: "127.0.0.1", port: ports.panel, fetch: (request) => panel.answer(request) })
  return {
    publishTxt: (name, value) => panel.set({ name, type: "TXT", values: [value] }),
    panelPort: http.port ?? ports.panel,
    stop: async () => {
      await http.stop(true)
      await listener.stop()
    },
  }
}

/** The customer's side: what a DNS provider's page lets somebody do. */
class Panel {
  private sets = new Map<string, Shown>()

  constructor(private zones: AuthoritativeZone[]) {}

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    try {
      if (request.method === "GET" && pathname === "/") return this.page()
      if (request.method === "GET" && pathname === "/records") return Response.json([...this.sets.values()])
      if (request.method !== "POST" || (pathname !== "/records" && pathname !== "/remove"))
        return new Response("not found\n", { status: 404 })
      const isForm = request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false
      const text = await request.text()
      const input = isForm && !text.startsWith("{") ? Object.fromEntries(new URLSearchParams(text)) : parse(text)
      const change = this.read(input)
      if (pathname === "/remove") this.remove(change)
      else this.set(change)
      return isForm && !text.startsWith("{")
        ? new Response(null, { status: 303, headers: { location: "/" } })
        : Response.json(change, { status: 201 })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return Response.json({ error: error.message }, { status: 400 })
    }
  }

  /** Makes the set exactly this. Throws AppError. */
  set(change: Shown): void {
    this.zoneOf(change.name).set(change.name, change.type, change.values)
    this.sets.set(`${change.name} ${change.type}`, change)
  }

  private remove({ name, type }: Shown): void {
    this.zoneOf(name).remove(name, type)
    this.sets.delete(`${name} ${type}`)
  }

  private zoneOf(name: string): AuthoritativeZone {
    const zone = this.zones.find(({ origin }) => name === origin || name.endsWith(`.${origin}`))
    if (zone === undefined) throw new AppError("invalid", `name must be in ${editable.join(" or ")}`)
    return zone
  }

  private read({ name, type, value }: Record<string, unknown>): Shown {
    const [owner, kind] = [
      String(name ?? "")
        .trim()
        .toLowerCase()
        .replace(/\.$/, ""),
      String(type ?? "TXT").toUpperCase(),
    ]
    if (owner === "") throw new AppError("invalid", "name is required")
    if (!types.includes(kind as EditableType)) throw new AppError("invalid", `type must be one of ${types.join(", ")}`)
    return { name: owner, type: kind as EditableType, values: [String(value ?? "")].map((one) => one.trim()).filter((one) => one !== "") }
  }

  private page(): Response {
    const rows = [...this.sets.values()].map(
      ({ name, type, values }) =>
        `<tr><td>${escape(name)}<td>${type}<td>${escape(values.join(", "))}<td><form method="post" action="/remove"><input type="hidden" name="name" value="${escape(name)}"><input type="hidden" name="type" value="${type}"><button>Remove</button></form>`,
    )
    const options = types.map((type) => `<option>${type}`).join("")
    const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>DNS of customer.com</title>
<link rel="icon" href="data:,"><style>body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}table{width:100%;border-collapse:collapse;overflow-wrap:anywhere}td,th{text-align:left;padding:.4rem;border-bottom:1px solid #8886}input,select,button{font:inherit;padding:.4rem}form.add{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end}label{display:grid}</style>
<h1>DNS of customer.com</h1><p>This page plays the customer's DNS provider in the demo.</p>
<form class="add" method="post" action="/records"><label>Name<input name="name" required size="36" placeholder="app.customer.com"></label><label>Type<select name="type">${options}</select></label><label>Value<input name="value" required size="40"></label><button>Save</button></form>
<table><thead><tr><th>Name<th>Type<th>Value<th></thead><tbody>${rows.join("") || "<tr><td colspan=4>No records yet."}</tbody></table></html>`
    const csp = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'"
    return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": csp } })
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new AppError("invalid", 'the body must be a JSON object such as {"name": "app.customer.com", "type": "TXT", "value": "…"}')
}
