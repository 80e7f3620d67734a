import { afterAll, beforeAll, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, createServer } from "node:tls"
import { InternalCa, type RootKeeper } from "./internal-ca"
import { IssuanceError } from "./issuer"
import { certificateId } from "./renewal-information"

class MemoryRoot implements RootKeeper {
  kept: { keyPem: string; certificatePem: string } | undefined
  saves = 0
  load = async () => this.kept
  save = async (keyPem: string, certificatePem: string) => {
    this.saves++
    this.kept = { keyPem, certificatePem }
  }
}

const DAY_MS = 86_400_000
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "internal-ca-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function openssl(...args: string[]) {
  const child = Bun.spawn(["openssl", ...args], { stdout: "pipe", stderr: "pipe" })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  return { text: out + err, code }
}

test.each(["nas.home.arpa", `${"a".repeat(60)}.${"b".repeat(60)}.internal`])("openssl accepts a certificate for %p", async (hostname) => {
  const ca = new InternalCa(new MemoryRoot())
  const issued = await ca.issue(hostname)
  await Bun.write(join(folder, "root.pem"), await ca.rootPem())
  await Bun.write(join(folder, "leaf.pem"), issued.chainPem)
  const strict = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", hostname]
  const verdict = await openssl("verify", ...strict, "-CAfile", join(folder, "root.pem"), join(folder, "leaf.pem"))
  expect(verdict).toEqual({ text: `${join(folder, "leaf.pem")}: OK\n`, code: 0 })
  const wrong = await openssl(
    "verify",
    "-verify_hostname",
    "other.home.arpa",
    "-CAfile",
    join(folder, "root.pem"),
    join(folder, "leaf.pem"),
  )
  expect(wrong.code).not.toBe(0)
})

test("the root may sign certificates for servers and nothing below them", async () => {
  const ca = new InternalCa(new MemoryRoot())
  await Bun.write(join(folder, "root.pem"), await ca.rootPem())
  const { text } = await openssl("x509", "-in", join(folder, "root.pem"), "-noout", "-text")
  expect(text).toContain("CA:TRUE, pathlen:0")
  expect(text).toContain("Certificate Sign, CRL Sign")
  expect(text).toContain("prime256v1")
})

test("a TLS client that trusts the root trusts the name", async () => {
  const ca = new InternalCa(new MemoryRoot())
  const issued = await ca.issue("nas.home.arpa")
  const server = createServer({ cert: issued.chainPem, key: issued.keyPem }, (socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const authorized = await new Promise<boolean>((resolve, reject) => {
    void ca.rootPem().then((root) => {
      const socket = connect({ port, host: "127.0.0.1", servername: "nas.home.arpa", ca: root }, () => {
        resolve(socket.authorized)
        socket.end()
      })
      socket.on("error", reject)
    })
  })
  expect(authorized).toBe(true)
  await new Promise((resolve) => server.close(resolve))
})

test("a certificate lasts 30 days, has a long random serial and a key of its own", async () => {
  const now = Date.UTC(2026, 0, 1)
  const ca = new InternalCa(new MemoryRoot(), () => now)
  const [one, two] = await Promise.all([ca.issue("a.lan"), ca.issue("a.lan")])
  expect(one.notAfter - now).toBe(30 * DAY_MS)
  const [first, second] = [new X509Certificate(one.chainPem), new X509Certificate(two.chainPem)]
  expect(first.serialNumber).toHaveLength(32)
  expect(first.serialNumber).not.toBe(second.serialNumber)
  expect(one.keyPem).not.toBe(two.keyPem)
  expect(certificateId(one.chainPem)).toContain(".")
})

test("the root is made once, by however many ask first, and is the same after a restart", async () => {
  const keeper = new MemoryRoot()
  const ca = new InternalCa(keeper)
  const roots = await Promise.all([ca.rootPem(), ca.rootPem(), ca.issue("a.lan").then(() => ca.rootPem())])
  expect(new Set([...roots, await new InternalCa(keeper).rootPem()]).size).toBe(1)
  expect(keeper.saves).toBe(1)
  const issued = await new InternalCa(keeper).issue("b.lan")
  expect(new X509Certificate(issued.chainPem).verify(new X509Certificate(roots[0] ?? "").publicKey)).toBe(true)
})

test("a root at its end is followed by a new one", async () => {
  let now = Date.UTC(2026, 0, 1)
  const keeper = new MemoryRoot()
  const ca = new InternalCa(keeper, () => now)
  const first = await ca.rootPem()
  now += 3650 * DAY_MS
  const [second, again] = await Promise.all([ca.rootPem(), ca.rootPem()])
  expect(second).not.toBe(first)
  expect(again).toBe(second)
  expect(keeper.saves).toBe(2)
})

test("a root that cannot be opened is never replaced, and is asked for again", async () => {
  const keeper = new MemoryRoot()
  const ca = new InternalCa({ ...keeper, save: keeper.save, load: () => Promise.reject(new Error("sealed with another key")) })
  const thrown = await ca.issue("a.lan").catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(IssuanceError)
  expect((thrown as IssuanceError).problem).toContain("sealed with another key")
  expect(keeper.saves).toBe(0)
})

test("a wildcard is certified as one, and covers one level", async () => {
  const { chainPem } = await new InternalCa({ load: async () => undefined, save: async () => {} }).issue("*.app.home.test")
  const leaf = new X509Certificate(chainPem)
  expect(leaf.subjectAltName).toBe("DNS:*.app.home.test")
  expect(leaf.checkHost("any.app.home.test")).toBeDefined()
  expect(leaf.checkHost("a.b.app.home.test")).toBeUndefined()
})
