import { afterAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { dnsLabObstacle, findProgram, startDns } from "./dns"
import { pebbleObstacle, startPebble } from "./pebble"
import { freePort, loopbackBlock, mayListen } from "./ports"
import { acceptsConnections, runCommand, startProcess, temporaryFolder, waitUntil } from "./process"
import { startUnbound, unboundObstacle } from "./unbound"

const noDns = await dnsLabObstacle()
const noUnbound = noDns ?? unboundObstacle()
const noPebble = pebbleObstacle()
const reason = (why: string | undefined) => (why === undefined ? "" : ` (skipped: ${why})`)
const alive = (pid: number) => existsSync(`/proc/${pid}`)

describe("processes", () => {
  test("a process that ends before it is ready is reported with its output", async () => {
    const starting = startProcess({ name: "shell", command: ["sh", "-c", "echo no luck; exit 3"], ready: () => false })
    await expect(starting).rejects.toThrow(/shell ended with exit code 3 .*no luck/s)
  })

  test("a process that does not get ready in time is ended and reported with its output", async () => {
    let pid = 0
    const ready = (output: () => string) => {
      pid = Number(/pid (\d+)\n/.exec(output())?.[1] ?? 0)
      return false
    }
    const command = ["sh", "-c", "echo pid $$; exec sleep 100"]
    await expect(startProcess({ name: "sleeper", command, ready, readyTimeoutMs: 400 })).rejects.toThrow(/400 ms for sleeper.*pid/s)
    expect(pid).toBeGreaterThan(0)
    expect(alive(pid)).toBe(false)
  })

  test("stop ends a process, twice without harm", async () => {
    const sleeper = await startProcess({ name: "sleeper", command: ["sleep", "100"], ready: () => true })
    await sleeper.stop()
    await sleeper.stop()
    expect(alive(sleeper.pid)).toBe(false)
  })

  test("children end with a test process that is killed", async () => {
    const script = `import { startProcess } from "${import.meta.dir}/process"
      const child = await startProcess({ name: "sleeper", command: ["sleep", "100"], ready: () => true })
      console.log("child " + child.pid)
      setInterval(() => {}, 1000)`
    const parent = await startProcess({
      name: "parent",
      command: [process.execPath, "-e", script],
      ready: (output) => /child \d+\n/.test(output()),
    })
    const child = Number(/child (\d+)/.exec(parent.output())?.[1])
    expect(alive(child)).toBe(true)
    await parent.kill()
    await waitUntil(() => !alive(child), { what: "the orphan to end" })
  })

  test("a folder that a dead run left behind is removed by the next", async () => {
    const command = [
      process.execPath,
      "-e",
      `console.log((await (await import("${import.meta.dir}/process")).temporaryFolder("left")).path)`,
    ]
    const left = (await runCommand(command)).trim()
    expect(existsSync(left)).toBe(true)
    const next = await temporaryFolder("next")
    expect(existsSync(left)).toBe(false)
    await next.remove()
    expect(existsSync(next.path)).toBe(false)
  })
})

describe("ports", () => {
  test("a free port can be listened at, a taken one is known as taken", async () => {
    const port = await freePort()
    expect(await mayListen("127.0.0.1", port)).toBe(true)
    const server = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() })
    expect(await acceptsConnections("127.0.0.1", port)).toBe(true)
    expect(await mayListen("127.0.0.1", port)).toBe(false)
    await server.stop(true)
  })

  test("two blocks of loopback addresses differ", async () => {
    const port = await freePort()
    expect((await loopbackBlock(port, 2)).network).not.toBe((await loopbackBlock(port, 2)).network)
  })
})

describe.skipIf(noDns !== undefined)(`private DNS${reason(noDns)}`, async () => {
  const dns = noDns === undefined ? await startDns({ zones: ["customer.test", "other.test"] }) : undefined
  afterAll(() => dns?.stop())

  test("the root delegates to the TLD and the TLD to both name servers", async () => {
    const { root, tld, ns1, ns2 } = dns!.addresses
    const referral = (address: string) => runCommand(["kdig", `@${address}`, "+norecurse", "www.customer.test", "A"])
    expect(await referral(root)).toContain(tld)
    const second = await referral(tld)
    expect(second).toContain(ns1)
    expect(second).toContain(ns2)
  })

  test("the TLD is told of a server more, and forgets it", async () => {
    await dns!.delegate("add", "other.test", "NS", "ns3.other.test")
    const ask = () => runCommand(["kdig", `@${dns!.addresses.tld}`, "+norecurse", "www.other.test", "A"])
    expect(await ask()).toContain("ns3.other.test.")
    await dns!.delegate("del", "other.test", "NS", "ns3.other.test")
    expect(await ask()).not.toContain("ns3.other.test.")
  })

  test("a TXT record published on one server is seen there only, until it is removed", async () => {
    const name = "_edd-verify.app.customer.test"
    await dns!.publish(2, name, "TXT", "edd-verify-abc123")
    expect(await dns!.ask(dns!.addresses.ns2, name, "TXT")).toBe('"edd-verify-abc123"')
    expect(await dns!.ask(dns!.addresses.ns1, name, "TXT")).toBe("NXDOMAIN")
    await dns!.remove(2, name, "TXT")
    expect(await dns!.ask(dns!.addresses.ns2, name, "TXT")).toBe("NXDOMAIN")
  })

  test("text longer than one character-string, quotes and UTF-8 arrive whole", async () => {
    const value = `say "ü" \\ ${"x".repeat(300)}`
    await dns!.publish(1, "long.customer.test", "TXT", value)
    const [first, second] = (await dns!.ask(dns!.addresses.ns1, "long.customer.test", "TXT")).split('" "')
    expect(first).toStartWith('"say \\"\\195\\188\\" \\\\ xxx')
    expect(second).toEndWith('x"')
    await dns!.remove(1, "long.customer.test")
  })

  test("one of two values is removed by its value", async () => {
    await dns!.publish("both", "two.other.test", "A", "192.0.2.1")
    await dns!.publish("both", "two.other.test", "A", "192.0.2.2")
    await dns!.remove("both", "two.other.test", "A", "192.0.2.1")
    expect(await dns!.ask(dns!.addresses.ns1, "two.other.test", "A")).toBe("192.0.2.2")
    expect(await dns!.ask(dns!.addresses.ns2, "two.other.test", "A")).toBe("192.0.2.2")
  })

  test("a name outside the zones is refused", async () => {
    await expect(dns!.publish("both", "app.notcustomer.test", "A", "192.0.2.1")).rejects.toThrow("lies in none of")
  })

  test.skipIf(noUnbound !== undefined)(`a recursive resolver denies a name as long as its cache says${reason(noUnbound)}`, async () => {
    const unbound = await startUnbound(dns!.roots)
    try {
      await dns!.publish("both", "www.customer.test", "A", "192.0.2.7")
      expect(await unbound.ask("www.customer.test", "A")).toBe("192.0.2.7")
      const name = "_edd-verify.late.customer.test"
      expect(await unbound.ask(name, "TXT")).toBe("NXDOMAIN")
      await dns!.publish("both", name, "TXT", "edd-verify-late")
      expect(await dns!.ask(dns!.addresses.ns1, name, "TXT")).toBe('"edd-verify-late"')
      expect(await unbound.ask(name, "TXT")).toBe("NXDOMAIN")
    } finally {
      await unbound.stop()
    }
  })

  test("stopping leaves no process and no folder", async () => {
    const second = await startDns()
    const { ns1 } = second.addresses
    expect(await acceptsConnections(ns1, 53)).toBe(true)
    await second.stop()
    expect(await acceptsConnections(ns1, 53)).toBe(false)
  })
})

describe.skipIf(noPebble !== undefined)(`Pebble${reason(noPebble)}`, () => {
  test("the directory answers under its CA file only, and a restart keeps the address but not the root", async () => {
    const pebble = await startPebble({ dns: "127.0.0.1:9", httpPort: 1, tlsPort: 1 })
    try {
      const ca = await readFile(pebble.caFile, "utf8")
      expect(await (await fetch(pebble.directory, { tls: { ca } })).json()).toContainKey("newOrder")
      await expect(fetch(pebble.directory)).rejects.toThrow()
      const first = await pebble.rootCertificate()
      expect(first).toStartWith("-----BEGIN CERTIFICATE-----")
      await pebble.restart()
      expect((await fetch(pebble.directory, { tls: { ca } })).status).toBe(200)
      expect(await pebble.rootCertificate()).not.toBe(first)
    } finally {
      await pebble.stop()
    }
    expect(existsSync(dirname(pebble.caFile))).toBe(false)
    await expect(fetch(pebble.directory)).rejects.toThrow()
  })

  test("with an external account binding the directory demands one", async () => {
    const eab = { kid: "kid-1", hmac: Buffer.alloc(32, 7).toString("base64url") }
    const pebble = await startPebble({ dns: "127.0.0.1:9", httpPort: 1, tlsPort: 1, eab, certificateSeconds: 3600 })
    try {
      const ca = await readFile(pebble.caFile, "utf8")
      const directory = (await (await fetch(pebble.directory, { tls: { ca } })).json()) as { meta: object }
      expect(directory.meta).toMatchObject({ externalAccountRequired: true })
    } finally {
      await pebble.stop()
    }
  })
})

test("the programs that the lab needs are found by name", () => {
  expect(findProgram("sh")).toBeString()
  expect(findProgram("no-such-program")).toBeUndefined()
})
