import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type CloudflareLab, startCloudflare } from "../../test/lab/cloudflare"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { type App, startApp } from "../app"
import { readSettings } from "../config"
import { openDatabase } from "../db/open"
import { LiveConfig } from "../live-config"
import { silentLog } from "../log"
import { HouseAdministration } from "./administration"

const password = "correct horse battery"
let folder: string
let app: App
let cloudflare: CloudflareLab
let podman: PodmanLab | undefined

const zoneId = "1".repeat(32)
const obstacle = podmanObstacle()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "freehold-administration-"))
  cloudflare = startCloudflare({ zones: [{ id: zoneId, name: "customer.test" }], tokens: { "token-that-edits-the-zone": [zoneId] } })
  podman = obstacle === undefined ? await startPodman() : undefined
  const engine = podman === undefined ? "none" : `unix://${podman.socket}`
  const flags = ["--data-dir", folder, "--base-domain=cloud.test", "--edge-workers=1", "--ssh-listen=off"]
  flags.push(`--container-engine=${engine}`, `--cloudflare-api=${cloudflare.url}`)
  for (const name of ["api", "http", "https"]) flags.push(`--${name}-listen=127.0.0.1:0`)
  app = await startApp(
    new LiveConfig(() => readSettings([...flags, "--admin-username=ada", `--admin-password=${password}`], {})),
    silentLog,
  )
}, 60_000)

afterAll(async () => {
  await app?.stop(0)
  await podman?.stop()
  await cloudflare?.stop()
  await rm(folder, { recursive: true, force: true })
})

const api = () => `http://127.0.0.1:${app.ports.api}`

async function send<T>(method: string, path: string, token: string | undefined, body?: object): Promise<T> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const res = await fetch(api() + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await res.text()
  if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
  return (text === "" ? undefined : JSON.parse(text)) as T
}

const logIn = async (username: string) => (await send<{ token: string }>("POST", "/api/login", undefined, { username, password })).token

/** The close code of a status socket, once it has ended. */
function closing(token: string): { opened: Promise<void>; code: Promise<number> } {
  const socket = new WebSocket(`${api().replace("http", "ws")}/compute/ws`, { headers: { authorization: `Bearer ${token}` } } as never)
  const [opened, code] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()]
  socket.addEventListener("message", () => opened.resolve())
  socket.addEventListener("close", (event) => code.resolve(event.code))
  return { opened: opened.promise, code: code.promise }
}

test("an SSH login is on record with its key and container, also when it was refused and nobody is known", async () => {
  const db = await openDatabase(":memory:")
  const none = undefined as never
  const house = new HouseAdministration({ config: none, db, mappings: none, compute: none, log: silentLog, now: () => 7 })
  const bob = { id: "u1", username: "bob", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }
  await db.insertInto("people").values(bob).execute()
  const attempt = { address: "192.0.2.1" }
  await house.noteSshLogin({ ...attempt, outcome: "allowed", personId: "u1", containerId: "c1", fingerprint: "SHA256:x" })
  const nobody = { personId: undefined, containerId: undefined, fingerprint: undefined }
  await house.noteSshLogin({ ...attempt, outcome: "denied", ...nobody })
  const common = { at: 7, address: "192.0.2.1", action: "SSH login", status: null }
  expect(await db.selectFrom("auditEntries").selectAll().execute()).toEqual([
    { id: 1, ...common, personId: "u1", username: "bob", tokenKind: "ssh_key", tokenId: "SHA256:x", target: "c1", outcome: "allowed" },
    { id: 2, ...common, personId: null, username: null, tokenKind: null, tokenId: null, target: null, outcome: "denied" },
  ])
  await db.destroy()
})

test.skipIf(obstacle !== undefined)(
  "a deletion removes containers from the engine, and records at the provider while there is a token for them",
  async () => {
    const ada = await logIn("ada")
    const { user_id: id } = await send<{ user_id: string }>("POST", "/admin/users", ada, { username: "eve", password })
    const eve = await logIn("eve")
    const made = await send<{ id: string }>("POST", "/compute/containers", eve, { name: "web", image: podman?.image })
    const status = async () => (await send<{ status: string }>("GET", `/compute/containers/${made.id}`, eve)).status
    await waitUntil(async () => (await status()) === "running", { what: "the container to run" })
    const connection = await send<{ id: string }>("POST", "/api/domains", eve, { token: "token-that-edits-the-zone" })
    const domain = { container_id: made.id, domain: "app.customer.test", target_port: 8080 }
    expect(await send<object>("POST", "/api/domain-mappings", eve, domain)).toMatchObject({ dns_automated: true })
    expect(cloudflare.records(zoneId).map(({ name }) => name)).toEqual(["app.customer.test"])
    const running = async () => (await podman?.run("ps", "--all", "--format", "{{.ID}}"))?.trim()
    expect(await running()).not.toBe("")

    await podman?.kill()
    const stuck = `/admin/users/${id}?confirm=eve`
    await expect(send("DELETE", stuck, ada)).rejects.toThrow(
      `eve is disabled, but not deleted: containers web (${made.id}) could not be removed`,
    )
    await podman?.restart()
    expect(await send<object>("DELETE", stuck, ada)).toMatchObject({ removed: { containers: 1, owned_domains: 1 } })
    expect(connection.id).toStartWith("cfc_")
    expect(await running()).toBe("")
    expect(cloudflare.records(zoneId)).toEqual([])
  },
  60_000,
)

test("in the whole house a deletion takes containers, mappings, tokens and keys, ends open sockets, and stays on record", async () => {
  const ada = await logIn("ada")
  const { user_id: id } = await send<{ user_id: string }>("POST", "/admin/users", ada, { username: "bob", password, role: "admin" })
  const bob = await logIn("bob")
  const container = await send<{ id: string }>("POST", "/compute/containers", bob, { name: "nas", address: "192.0.2.20" })
  const domain = { container_id: container.id, domain: "nas.home.arpa", target_port: 80 }
  const mapping = await send<{ id: string }>("POST", "/api/domain-mappings", bob, domain)
  const scopes = { [`networking.${id}`]: ["read"] }
  const token = await send<{ id: string; token: string }>("POST", "/api/tokens", bob, { name: "ci", scopes })
  const account = await send<{ id: string }>("POST", "/api/service-accounts", bob, { name: "bot", scopes })
  const application = await send<{ id: string }>("POST", "/v1/applications", bob, { name: "Acme" })
  const endpoint = await send<{ id: string }>("POST", "/v1/webhook-endpoints", bob, { url: "https://hooks.example/" })
  const socket = closing(bob)
  await socket.opened

  const preview = await send<{ owns: { kind: string; items: object[] }[]; digest: string }>("GET", `/admin/users/${id}/deletion`, ada)
  expect(Object.fromEntries(preview.owns.map(({ kind, items }) => [kind, items]))).toEqual({
    connections: [],
    webhook_endpoints: [{ id: endpoint.id, name: "https://hooks.example/" }],
    applications: [{ id: application.id, name: "Acme" }],
    domain_mappings: [{ id: mapping.id, name: "nas.home.arpa" }],
    containers: [{ id: container.id, name: "nas" }],
    owned_domains: [],
    service_accounts: [{ id: account.id, name: "bot" }],
    api_tokens: [{ id: token.id, name: "ci" }],
    ssh_keys: [],
    registry_credentials: [],
    namespaces: [],
    storage_keys: [],
  })
  const gone = await send<{ removed: object }>("DELETE", `/admin/users/${id}?confirm=${preview.digest}`, ada)
  expect(gone.removed).toMatchObject({ domain_mappings: 1, containers: 1, api_tokens: 1, service_accounts: 1 })
  expect(await socket.code).toBe(1008)
  for (const path of ["/api/domain-mappings", "/compute/containers"]) await expect(send("GET", path, token.token)).rejects.toThrow("401")
  expect(JSON.stringify(await send("GET", "/compute/admin/containers", ada))).not.toContain(container.id)

  const { entries } = await send<{ entries: { username: string; action: string; target: string }[] }>("GET", "/api/audit?person=bob", ada)
  expect(entries.map(({ action, target }) => [action, target])).toEqual([
    ["POST /v1/webhook-endpoints", endpoint.id],
    ["POST /v1/applications", application.id],
    ["POST /api/service-accounts", account.id],
    ["POST /api/tokens", token.id],
    ["POST /api/domain-mappings", mapping.id],
    ["POST /compute/containers", container.id],
    ["POST /api/login", null as never],
  ])
}, 30_000)
