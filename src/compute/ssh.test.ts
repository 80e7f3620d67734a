import { afterEach, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { generateKeyPairSync } from "node:crypto"
import { utils } from "ssh2"
import { openDatabase } from "../db/open"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { parsePublicKey } from "./ssh-key"
import { sshRoutes } from "./ssh-routes"
import { SshService } from "./ssh-service"
import { SshStore } from "./ssh-store"

const at = Date.UTC(2026, 10, 21, 5, 10, 11, 234)
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** ssh2's own generator drops a leading zero, so that one key in 256 is damaged. `isRight` chooses among those that are drawn. */
function newKey(isRight: (point: Buffer) => boolean = () => true): string {
  const head = Buffer.from("0000000b7373682d6564323535313900000020", "hex")
  for (;;) {
    const point = Buffer.from(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "", "base64url")
    if (isRight(point)) return `ssh-ed25519 ${Buffer.concat([head, point]).toString("base64")} ann@laptop`
  }
}
/** Made once by `ssh-keygen -t ed25519`, and its fingerprint by `ssh-keygen -l`. */
const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHD4uwIq4BmsUmQXPVpXSXP6L43s4ix+3wmLXZ4xnz4+ ann@laptop"
const fingerprint = "SHA256:yMnKBOrUC/fQrBHeRUtKPoVMDqpe49ksigUHhOFYScE"

type Reply = { error: string; id: number; ssh_keys: unknown[]; ssh_enabled: boolean; ssh_command?: string }

/** The SSH routes on a store in memory with a container of ann's. The bearer token is the person's id. */
async function setup(container: Record<string, unknown> = {}) {
  const db = await openDatabase(":memory:")
  cleanups.push(() => db.destroy())
  for (const id of ["ann", "bob"]) {
    const person = { id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0, disabledAt: null }
    await db.insertInto("people").values(person).execute()
  }
  const row = {
    id: "c0ffee01",
    personId: "ann",
    name: "web",
    kind: "engine" as const,
    image: "web",
    memoryMb: 64,
    storageGb: 1,
    instanceType: "nano",
    pullPolicy: "IfNotPresent",
    desired: "running" as const,
    status: "running" as const,
    statusDetail: null,
    engineId: "e".repeat(64),
    address: "10.88.0.2",
    ports: "{}",
    createdAt: 0,
    ...container,
  }
  await db.insertInto("containers").values(row).execute()
  const guarded: string[] = []
  let taken = 0
  const ssh = new SshService({
    store: new SshStore(db),
    now: () => at,
    onTaken: () => void taken++,
    command: (id) => `ssh -p 2222 ${id}@compute.test`,
  })
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(
      sshRoutes(ssh, async (request, resource, id, action) => {
        const personId = request.headers.get("authorization")?.replace("Bearer ", "")
        guarded.push([resource, id ?? "", action].join(" "))
        if (personId === undefined) throw new AppError("unauthorized", "unauthorized")
        return { personId, isAdmin: false }
      }),
    )
  const send = async (personId: string, method: string, path: string, body?: unknown) => {
    const headers: HeadersInit = personId === "" ? {} : { authorization: `Bearer ${personId}` }
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const res = await app.handle(new Request(`http://localhost/compute${path}`, { method, headers, body: text }))
    return { status: res.status, body: (await res.json()) as Reply }
  }
  return { db, ssh, send, guarded, taken: () => taken }
}

test("a key is kept in one form, with the fingerprint that ssh-keygen prints", async () => {
  const { send } = await setup()
  const added = await send("ann", "POST", "/ssh-keys", { name: " laptop ", public_key: `  ${line.replaceAll(" ", "\t ")}\n`, unknown: 1 })
  const reply = { id: 1, name: "laptop", public_key: line, fingerprint, created_at: "2026-11-21T05:10:11Z" }
  expect(added).toEqual({ status: 200, body: reply as never })
  const second = await send("ann", "POST", "/ssh-keys", { name: "other", public_key: newKey() })
  expect((await send("ann", "GET", "/ssh-keys")).body.ssh_keys).toEqual([second.body, reply])
})

test("keys of the common kinds are taken", () => {
  const rsa = utils.generateKeyPairSync("rsa", { bits: 2048 }).public
  const kinds = ([256, 384, 521] as const).map((bits) => utils.generateKeyPairSync("ecdsa", { bits }).public)
  expect([newKey(), rsa, ...kinds].map((key) => parsePublicKey(key).type)).toEqual([
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
  ])
})

test("a key that begins or ends with a zero is a key", () => {
  for (const at of [0, 31]) expect(parsePublicKey(newKey((point) => point[at] === 0)).type).toBe("ssh-ed25519")
})

const [type = "", encoded = ""] = line.split(" ")
const format = "invalid SSH public key format"

test.each([
  [undefined, "public_key is required"],
  [7, "public_key is required"],
  ["  ", "public_key is required"],
  ["hello", `${format}: the type must be one of`],
  [`ssh-dss ${encoded}`, `${format}: the type must be one of`],
  [`from="10.0.0.1" ${line}`, `${format}: the type must be one of`],
  [`${type} !!!`, `${format}: the key is damaged`],
  [`${type} ${encoded.slice(0, -6)}`, `${format}: the key is damaged`],
  [`${type} ${Buffer.concat([Buffer.from(encoded, "base64"), Buffer.from("more")]).toString("base64")}`, `${format}: the key is damaged`],
  [`ssh-rsa ${encoded}`, `${format}: the key is damaged`],
  [`${line}\n${line}`, `${format}: it must be one line`],
  [`${line} ${"x".repeat(9000)}`, `${format}: it must be one line`],
  [utils.generateKeyPairSync("rsa", { bits: 1024 }).public, `${format}: an RSA key must have at least 2048 bits`],
  [utils.generateKeyPairSync("ed25519").private, `${format}: this is a private key`],
])("%p is no key", (raw, message) => {
  expect(() => parsePublicKey(raw)).toThrow(message)
})

test("a person has ten keys, each once, and others may have the same", async () => {
  const { send } = await setup()
  const add = (personId: string, public_key: string) => send(personId, "POST", "/ssh-keys", { name: "k", public_key })
  expect((await add("ann", line)).status).toBe(200)
  expect(await add("ann", `${line} again`)).toEqual({ status: 409, body: { error: "this SSH key is there already" } as never })
  expect((await add("bob", line)).status).toBe(200)
  const rest = await Promise.all(Array.from({ length: 12 }, () => add("ann", newKey())))
  expect(rest.filter(({ status }) => status === 200)).toHaveLength(9)
  expect(rest.find(({ status }) => status === 400)?.body).toEqual({ error: "SSH key limit reached (10)" } as never)
})

test("the ladder of the keys: no token, no name, a foreign key, no id, one's own", async () => {
  const { send, guarded } = await setup()
  for (const [method, path] of [
    ["GET", "/ssh-keys"],
    ["POST", "/ssh-keys"],
    ["DELETE", "/ssh-keys/1"],
    ["GET", "/containers/c0ffee01/ssh"],
    ["PUT", "/containers/c0ffee01/ssh"],
  ] as const)
    expect((await send("", method, path, method === "GET" ? undefined : "not JSON")).status).toBe(401)
  const containers = ["containers c0ffee01 read", "containers c0ffee01 update"]
  expect(guarded).toEqual(["keys  read", "keys  create", "keys 1 delete", ...containers])
  expect((await send("ann", "POST", "/ssh-keys", "[]")).body.error).toBe("invalid request body")
  expect((await send("ann", "POST", "/ssh-keys", { public_key: line })).body.error).toBe("name is required")
  const { id } = (await send("ann", "POST", "/ssh-keys", { name: "k", public_key: line })).body
  expect(await send("bob", "DELETE", `/ssh-keys/${id}`)).toEqual({ status: 404, body: { error: "SSH key not found" } as never })
  for (const wrong of ["x", "0", "1.5", "-1", "9".repeat(20)])
    expect(await send("ann", "DELETE", `/ssh-keys/${wrong}`)).toEqual({ status: 400, body: { error: "invalid id" } as never })
  expect(await send("ann", "DELETE", `/ssh-keys/${id}`)).toEqual({ status: 200, body: { status: "ok" } as never })
  expect((await send("ann", "DELETE", `/ssh-keys/${id}`)).status).toBe(404)
})

test("a container is opened and closed for SSH by its owner alone, in any status", async () => {
  const { send } = await setup({ status: "stopped" })
  const path = "/containers/c0ffee01/ssh"
  expect(await send("ann", "GET", path)).toEqual({ status: 200, body: { ssh_enabled: false } as never })
  const open = { ssh_enabled: true, ssh_command: "ssh -p 2222 c0ffee01@compute.test" }
  expect((await send("ann", "PUT", path, { ssh_enabled: true })).body).toEqual(open as never)
  expect((await send("ann", "GET", path)).body).toEqual(open as never)
  for (const [method, body] of [["GET"], ["PUT", { ssh_enabled: false }]] as const)
    expect(await send("bob", method, path, body)).toEqual({ status: 404, body: { error: "container not found" } as never })
  expect((await send("ann", "PUT", path, "nothing")).body.error).toBe("invalid request body")
  expect((await send("ann", "PUT", path, { ssh_enabled: "yes" })).status).toBe(400)
  expect((await send("ann", "PUT", path, {})).body).toEqual({ ssh_enabled: false } as never)
  expect((await send("ann", "PUT", path, { enable_ssh: true })).body).toEqual(open as never)
})

test("an external container has no SSH to switch on", async () => {
  const { send } = await setup({ kind: "external", engineId: null })
  const { status, body } = await send("ann", "PUT", "/containers/c0ffee01/ssh", { ssh_enabled: true })
  expect([status, body.error]).toEqual([400, "ssh_enabled: an external container has no SSH here"])
})

/** Ann's container, open for SSH, and one key of hers. */
async function opened(container: Record<string, unknown> = {}) {
  const house = await setup({ sshEnabled: 1, ...container })
  await house.send("ann", "POST", "/ssh-keys", { name: "k", public_key: line })
  return house
}

test("a login is by the container's id, or with a user before it", async () => {
  const { ssh } = await opened()
  const grant = {
    personId: "ann",
    containerId: "c0ffee01",
    engineId: "e".repeat(64),
    address: "10.88.0.2",
    publicKey: line,
  }
  expect(await ssh.authorize("c0ffee01", fingerprint)).toEqual({ grant: { ...grant, user: undefined } })
  expect(await ssh.authorize("www-data.c0ffee01", fingerprint)).toEqual({ grant: { ...grant, user: "www-data" } })
  expect(await ssh.authorize("a.b.c0ffee01", fingerprint)).toEqual({ grant: { ...grant, user: "a.b" } })
})

test.each([
  [{}, "c0ffee02", "no such container"],
  [{}, "", "no such container"],
  [{}, "ann", "no such container"],
  [{}, ".c0ffee01", "not the name of a user"],
  [{}, "-x.c0ffee01", "not the name of a user"],
  [{}, "root:0.c0ffee01", "not the name of a user"],
  [{ sshEnabled: 0 }, "c0ffee01", "SSH is switched off for the container"],
  [{ status: "stopped" }, "c0ffee01", "the container is stopped"],
  [{ kind: "external", engineId: null }, "c0ffee01", "the container is not one of the engine"],
  [{ personId: "bob" }, "c0ffee01", "not a key of the container's owner"],
])("with a container %p the login %p is refused", async (container, login, refusal) => {
  const { ssh } = await opened(container)
  expect(await ssh.authorize(login, fingerprint)).toMatchObject({ refusal })
})

test("what is taken away is told at once", async () => {
  const { send, taken } = await opened()
  await send("ann", "PUT", "/containers/c0ffee01/ssh", { ssh_enabled: true })
  expect(taken()).toBe(0)
  await send("ann", "PUT", "/containers/c0ffee01/ssh", { ssh_enabled: false })
  expect(taken()).toBe(1)
  await send("bob", "DELETE", "/ssh-keys/1")
  expect(taken()).toBe(1)
  await send("ann", "DELETE", "/ssh-keys/1")
  expect(taken()).toBe(2)
})

test("a key that was deleted, and one whose owner is disabled, open nothing", async () => {
  const { ssh, send, db } = await opened()
  await db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "ann").execute()
  expect(await ssh.authorize("c0ffee01", fingerprint)).toMatchObject({ refusal: "the container's owner is disabled" })
  await db.updateTable("people").set({ disabledAt: null }).execute()
  await send("ann", "DELETE", "/ssh-keys/1")
  expect(await ssh.authorize("c0ffee01", fingerprint)).toMatchObject({ refusal: "not a key of the container's owner" })
})
