import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { dirname, join } from "node:path"
import { SMTPServer } from "smtp-server"
import type { Check } from "../../src/checks/check"
import type { Notice } from "../../src/alerts/model"
import { waitUntil } from "../lab/process"
import type { Person } from "./person"
import { runProgram } from "./program"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const mayMount = process.getuid?.() === 0 && (await runProgram(["unshare", "-m", "true"])).code === 0

/** A wait for something that happens within a turn or two of the watchdog and the alerts, which have fifteen seconds each. */
const soon = { limitMs: 90_000, everyMs: 200 }

describe.skipIf(obstacle !== undefined)(`doctor and alerts${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const base = "cloud.customer.test"
  const name = "app.customer.test"
  let stage: Stage
  let upstream: Bun.Server<undefined>
  let engine: Bun.Server<undefined> | undefined
  let hook: Bun.Server<undefined>
  let topic: Bun.Server<undefined>
  let mail: SMTPServer
  let ada: Person
  let folder = ""
  const hooked: Notice[] = []
  const mails: string[] = []
  const messages: { title: string; priority: string; text: string; token: string }[] = []
  const at = (file: string) => join(folder, file)

  const openEngine = () => {
    engine = Bun.serve({ unix: at("engine.sock"), fetch: (req) => (req.url.endsWith("/_ping") ? new Response("OK") : Response.json([])) })
  }

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    hook = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (req) => {
        hooked.push((await req.json()) as Notice)
        return new Response(null, { status: 204 })
      },
    })
    topic = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (req) => {
        const header = (of: string) => req.headers.get(of) ?? ""
        messages.push({ title: header("title"), priority: header("priority"), token: header("authorization"), text: await req.text() })
        return Response.json({ id: "1", event: "message" })
      },
    })
    mail = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS", "AUTH"],
      onData(stream, _, done) {
        let text = ""
        stream.on("data", (chunk: Buffer) => (text += chunk.toString()))
        stream.on("end", () => {
          mails.push(text)
          done()
        })
      },
    })
    await new Promise<void>((resolve) => mail.listen(0, "127.0.0.1", resolve))
    stage = await startStage({
      pebble: true,
      prepare: async (dns, address) => {
        for (const host of ["", "net.", "auth.", "compute.", "storage.", "s3.", "connect."])
          await dns.publish("both", host + base, "A", address)
        return {
          FREEHOLD_BASE_DOMAIN: base,
          FREEHOLD_PUBLIC_IPV4: address,
          FREEHOLD_MAX_CONNECTIONS: "200",
          FREEHOLD_ALERT_WEBHOOK: `http://127.0.0.1:${hook.port}/hook-secret-path`,
          FREEHOLD_ALERT_NTFY: `http://127.0.0.1:${topic.port}/my-secret-topic`,
          FREEHOLD_ALERT_NTFY_TOKEN: "tk_hush",
          FREEHOLD_ALERT_SMTP_URL: `smtp://127.0.0.1:${(mail.server.address() as AddressInfo).port}`,
          FREEHOLD_ALERT_MAIL_FROM: `freehold@${base}`,
          FREEHOLD_ALERT_MAIL_TO: "ada@customer.test",
        }
      },
    })
    folder = dirname(stage.house.dataDir)
    openEngine()
    await stage.house.restart({ FREEHOLD_CONTAINER_ENGINE: `unix://${at("engine.sock")}` })
    ada = await stage.house.login()
    const container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await stage.point(name)
    const claim = await ada.map(name, container)
    await stage.dns.publish("both", claim.verify_name, "TXT", claim.verify_token)
    await ada.verify(claim.id)
    await ada.certified(claim.id)
    for (const host of ["", "net.", "auth.", "compute.", "storage.", "s3.", "connect."])
      await waitUntil(async () => (await stage.house.certificate(host + base)) !== undefined, { what: `${host}${base} to be certified` })
    mkdirSync(at("backups"))
    writeFileSync(at("passphrase"), "correct horse battery staple\n", { mode: 0o600 })
  }, 180_000)

  afterAll(async () => {
    await stage?.stop()
    for (const server of [upstream, hook, topic, engine]) await server?.stop(true)
    await new Promise<void>((resolve) => (mail === undefined ? resolve() : mail.close(() => resolve())))
  })

  const settings = (): string[] => [
    "--config",
    stage.house.configFile,
    "--data-dir",
    stage.house.dataDir,
    "--base-domain",
    base,
    "--dns-roots",
    stage.dns.roots,
    "--https-listen",
    `${stage.house.address}:${stage.house.ports.https}`,
    "--http-listen",
    `${stage.house.address}:${stage.house.ports.http}`,

    "--api-listen",
    `${stage.house.address}:${stage.house.ports.api}`,
    "--ssh-listen",
    "off",
    "--acme-directory",
    "internal",
  ]
  const cli = (...args: string[]) => stage.house.cli([...args, ...settings()])

  /** What the doctor says by `--json`: each check's status and verdict, and the exit code. */
  async function doctor(...args: string[]) {
    const { code, out, err } = await cli("doctor", ...args, "--json")
    if (err !== "") throw new Error(err)
    const { checks, status, running } = JSON.parse(out) as { checks: Check[]; status: string; running: boolean }
    const worries = checks
      .filter((check) => check.status === "bad" || check.status === "warn")
      .map((check) => `${check.name} ${check.status}`)
    return { code, status, running, worries, all: Object.fromEntries(checks.map((check) => [check.name, check])) }
  }
  const store = <T>(use: (sqlite: Database) => T): T => {
    const sqlite = new Database(join(stage.house.dataDir, "freehold.db"))
    try {
      sqlite.run("PRAGMA busy_timeout = 5000")
      return use(sqlite)
    } finally {
      sqlite.close()
    }
  }
  const told = (kind: string) => ({
    opened: hooked.filter(({ opened }) => opened.some((one) => one.kind === kind)).length,
    ended: hooked.filter(({ ended }) => ended.some((one) => one.kind === kind)).length,
  })
  const untilTold = (kind: string, counts: { opened: number; ended: number }) =>
    waitUntil(() => Bun.deepEquals(told(kind), counts), { ...soon, what: `${kind} to be told of as ${JSON.stringify(counts)}` })

  test("a house that is well: nothing is broken, and it is asked of the running appliance", async () => {
    const made = await cli("backup", at("backups"), "--passphrase-file", at("passphrase"))
    expect(made).toMatchObject({ code: 0, err: "" })
    const found = await doctor()
    // At a loopback address nobody else reaches it, which is this test's own doing.
    expect([found.code, found.status, found.running, found.worries]).toEqual([1, "warn", true, ["http-port warn", "https-port warn"]])
    expect(found.all["certificates"]?.verdict).toMatch(/All of 8 certificates/)
    expect(found.all["clock"]?.verdict).toContain("agrees with that of")
    expect(found.all["resolver"]?.verdict).toContain("From the root servers down to customer.test")
    expect(found.all["alerts"]?.verdict).toBe("Trouble is told of by webhook, mail and ntfy.")
    const people = await cli("doctor")
    expect(people.code).toBe(1)
    expect(people.out).toMatch(/^ok {4}disk {2,}\S/m)
    expect(people.out).toMatch(/\nOf \d+ checks: 2 warnings, 1 not found out\.\n$/)
    const api = await ada.ask("GET", "/admin/checks")
    expect((JSON.parse(api.text) as { checks: Check[] }).checks.map((check) => check.name).sort()).toEqual(Object.keys(found.all).sort())
  })

  test("a hostname that is well, with hairpin NAT told apart from down; one that is not served, and one that is none", async () => {
    const found = await doctor(name)
    expect([found.code, found.worries]).toEqual([0, []])
    expect(Object.keys(found.all)).toEqual(["served", "address", "caa", "certificate", "limits", "handshake", "reach", "answer"])
    expect(found.all["reach"]).toMatchObject({ status: "unknown", verdict: expect.stringContaining("hairpin NAT") })
    expect(await doctor("nobody.customer.test")).toMatchObject({ code: 2, all: { served: { status: "bad" } } })
    expect(await cli("doctor", "no hostname")).toMatchObject({ code: 2, out: "", err: expect.stringContaining("is not a hostname") })
    expect(await cli("doctor", "a.test", "b.test")).toMatchObject({ code: 2, err: expect.stringContaining("one hostname at most") })
    const api = await ada.ask("GET", `/admin/checks?hostname=${name}`)
    expect((JSON.parse(api.text) as { checks: Check[] }).checks.map(({ status }) => status)).not.toContain("bad")
  })

  test("a trial restore of the newest backup, and one with another key", async () => {
    expect(await doctor("--passphrase-file", at("passphrase"))).toMatchObject({ all: { restore: { status: "ok" } } })
    writeFileSync(at("wrong"), "not the passphrase at all\n", { mode: 0o600 })
    expect(await doctor("--passphrase-file", at("wrong"))).toMatchObject({
      code: 2,
      all: { restore: { status: "bad", verdict: expect.stringContaining("the passphrase does not open") } },
    })
  })

  test("a test alert reaches all three, and a receiver that is gone is said without its secret path", async () => {
    expect(await cli("doctor", "--test-alert")).toEqual({ code: 0, out: "webhook: delivered\nmail: delivered\nntfy: delivered\n", err: "" })
    expect(hooked.splice(0)).toMatchObject([{ type: "test", house: base }])
    expect(mails.splice(0)[0]).toContain(`Subject: [Freehold] ${base}: a test of alerts`)
    expect(messages.splice(0)).toMatchObject([{ title: `${base}: a test of alerts`, token: "Bearer tk_hush" }])
    const { port } = hook
    await hook.stop(true)
    const refused = await ada.ask("POST", "/admin/alerts/test")
    expect(JSON.parse(refused.text)).toMatchObject({
      results: [{ receiver: "webhook", delivered: false, error: "nobody listens there" }, {}, {}],
    })
    expect((await cli("doctor", "--test-alert")).code).toBe(2)
    expect((await doctor()).all["alerts"]).toMatchObject({ status: "warn", verdict: expect.stringContaining("webhook") })
    hook = Bun.serve({
      hostname: "127.0.0.1",
      port,
      fetch: async (req) => {
        hooked.push((await req.json()) as Notice)
        return new Response(null, { status: 204 })
      },
    })
    expect((await cli("doctor", "--test-alert")).code).toBe(0)
    expect((await doctor()).all["alerts"]?.status).toBe("ok")
    for (const list of [hooked, mails, messages]) list.length = 0
  })

  test("an engine that is gone: said by the doctor, told of once, over a restart too, and its end once", async () => {
    await engine?.stop(true)
    rmSync(at("engine.sock"), { force: true })
    expect(await doctor()).toMatchObject({ code: 2, all: { "container-engine": { status: "bad" } } })
    await untilTold("engine_away", { opened: 1, ended: 0 })
    expect(hooked[0]?.opened[0]).toMatchObject({
      kind: "engine_away",
      severity: "bad",
      subject: "Container engine",
      step: expect.stringContaining("Start Podman"),
    })
    await waitUntil(() => mails.length === 1 && messages.length === 1, { what: "mail and ntfy" })
    expect(mails[0]).toContain("TROUBLE: Container engine")
    expect(messages[0]).toMatchObject({
      title: `${base}: Container engine`,
      priority: "high",
      text: expect.stringContaining("What to do: Start Podman"),
    })
    expect(JSON.parse((await ada.ask("GET", "/admin/alerts")).text)).toMatchObject({ episodes: [{ kind: "engine_away" }], waiting: 0 })
    await stage.house.restart()
    openEngine()
    await untilTold("engine_away", { opened: 1, ended: 1 })
    expect(hooked.length).toBe(2)
    await waitUntil(() => messages.length === 2, { what: "ntfy" })
    expect(messages[1]).toMatchObject({ title: `${base}: Container engine is well again`, priority: "low" })
  }, 180_000)

  test("another certificate than the stored one: said by the doctor, found by the watchdog, told of once", async () => {
    const read = () =>
      store(
        (sqlite) => sqlite.query<{ chain: string }, [string]>("SELECT chain FROM certificates WHERE hostname = ?").get(name)?.chain ?? "",
      )
    const write = (chain: string) => store((sqlite) => sqlite.run("UPDATE certificates SET chain = ? WHERE hostname = ?", [chain, name]))
    const lookNow = () => store((sqlite) => sqlite.run("UPDATE served_names SET next_check_at = 0 WHERE hostname = ?", [name]))
    await stage.house.curl(`https://${name}/`)
    const ours = read()
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"]
    await runProgram(["openssl", "req", "-x509", ...key, "-out", at("other.pem"), "-days", "9", "-subj", "/CN=other"])
    write(await Bun.file(at("other.pem")).text())
    lookNow()
    expect(await doctor(name)).toMatchObject({
      code: 2,
      worries: ["handshake bad"],
      all: { handshake: { verdict: expect.stringContaining("another certificate") } },
    })
    await untilTold("certificate_differs", { opened: 1, ended: 0 })
    expect(await doctor()).toMatchObject({
      code: 2,
      all: { served: { status: "bad", verdict: expect.stringContaining(`1 of 8 names is not served`) } },
    })
    const home = JSON.parse((await ada.ask("GET", "/api/overview")).text) as { attention: { kind: string; subject: { name: string } }[] }
    expect(home.attention).toMatchObject([{ kind: "certificate_differs", subject: { name } }])
    write(ours)
    lookNow()
    await untilTold("certificate_differs", { opened: 1, ended: 1 })
    expect((await doctor(name)).code).toBe(0)
  }, 180_000)

  test("a renewal is looked at by itself", async () => {
    store((sqlite) => {
      sqlite.run("UPDATE served_names SET state = 'unseen', checked_at = NULL, next_check_at = 9e15 WHERE hostname = ?", [name])
      sqlite.run("UPDATE certificates SET renew_at = 0 WHERE hostname = ?", [name])
    })
    const seen = () =>
      store((sqlite) =>
        sqlite.query<{ state: string }, [string]>("SELECT state FROM served_names WHERE hostname = ? AND checked_at IS NOT NULL").get(name),
      )
    await waitUntil(() => seen()?.state === "ok", { limitMs: 150_000, everyMs: 500, what: "the watchdog to look at the renewed name" })
  }, 180_000)

  test("an old backup is a warning and is told of; secrets that others can read are broken", async () => {
    const { out } = await cli("backup", at("backups"), "--passphrase-file", at("passphrase"), "--keep", "1", "--json")
    const { file } = JSON.parse(out) as { file: string }
    const old = Date.now() / 1000 - 5 * 86_400
    utimesSync(file, old, old)
    expect((await doctor()).all["backup"]).toMatchObject({ status: "warn", verdict: expect.stringContaining("5 days old") })
    await untilTold("backup_overdue", { opened: 1, ended: 0 })
    const key = join(stage.house.dataDir, "store-key")
    chmodSync(key, 0o644)
    expect((await doctor()).all["secrets"]).toMatchObject({ status: "warn", verdict: expect.stringContaining(key) })
    chmodSync(stage.house.dataDir, 0o755)
    const found = await doctor()
    expect([found.code, found.all["secrets"]?.status, found.all["data-folder"]?.status]).toEqual([2, "bad", "bad"])
    expect(found.all["data-folder"]?.remedy).toBe(`chmod 700 ${stage.house.dataDir}`)
    chmodSync(stage.house.dataDir, 0o700)
    chmodSync(key, 0o600)
  }, 180_000)

  test("no secret of a receiver stands in the log", () => {
    const log = stage.house.history()
    expect(log).toContain("trouble began")
    for (const secret of ["hook-secret-path", "my-secret-topic", "tk_hush"]) expect(log).not.toContain(secret)
  })

  test("while it is down: who holds its port, a store at rest, and a small disk; nothing is changed in the data folder", async () => {
    const { address, ports, dataDir } = stage.house
    await stage.house.kill()
    const listing = async () => (await runProgram(["ls", "-la", "--full-time", dataDir])).out
    const before = await listing()
    const thief = Bun.spawn(
      [process.execPath, "-e", `Bun.listen({ hostname: "${address}", port: ${ports.https}, socket: { data() {} } }); console.log("up")`],
      { stdout: "pipe" },
    )
    try {
      await thief.stdout.getReader().read()
      const found = await doctor()
      expect([found.code, found.running]).toEqual([2, false])
      expect(found.all["appliance"]?.verdict).toContain("Freehold does not run")
      expect(found.all["https-port"]).toMatchObject({
        status: "bad",
        verdict: expect.stringContaining(`(process ${thief.pid}) holds port ${ports.https}`),
      })
      expect(found.all["http-port"]).toMatchObject({ status: "ok", verdict: expect.stringContaining("is free") })
      expect(found.all["store"]).toMatchObject({ status: "ok", verdict: expect.stringContaining("The store is sound") })
      expect((await doctor(name)).all["certificate"]).toMatchObject({ status: "ok" })
      expect(await cli("doctor", "--test-alert")).toMatchObject({ code: 2, err: expect.stringContaining("Freehold does not run") })
    } finally {
      thief.kill("SIGKILL")
      await thief.exited
    }
    expect(await listing()).toBe(before)
  }, 60_000)

  test.skipIf(!mayMount)(
    `a small disk, and one without inodes${mayMount ? "" : " (skipped: this user may not mount)"}`,
    async () => {
      const binary = process.env.FREEHOLD_BINARY ?? join(import.meta.dir, "../../dist/freehold")
      /** In a mount namespace of its own, which goes with the command. */
      const onDisk = async (options: string, more: string) => {
        const script = `mount -t tmpfs -o ${options} none "$1" && mkdir -m 700 "$1/data" && ${more} "$2" doctor --json --data-dir "$1/data" --config "$3"`
        mkdirSync(at("disk"), { recursive: true })
        const { out, err } = await runProgram(["unshare", "-m", "sh", "-c", script, "sh", at("disk"), binary, stage.house.configFile], {
          environment: { FREEHOLD_DNS_ROOTS: stage.dns.roots },
        })
        if (out === "") throw new Error(err)
        return (JSON.parse(out) as { checks: Check[] }).checks.find((check) => check.name === "disk")
      }
      expect(await onDisk("size=64m", "")).toMatchObject({ status: "bad", verdict: expect.stringContaining("of 64 MiB are free") })
      expect(await onDisk("size=8g", "")).toMatchObject({ status: "ok" })
      expect(await onDisk("size=8g,nr_inodes=500", "")).toMatchObject({ status: "warn", verdict: expect.stringContaining("of 500 inodes") })
    },
    60_000,
  )
})
