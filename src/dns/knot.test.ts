import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { exchange } from "./exchange"
import { Resolver } from "./resolver"

const knotd = Bun.which("knotd", { PATH: `${process.env["PATH"]}:/usr/sbin` })
const at = (last: number) => `127.0.54.${last}`
const soa = (ttl = 60) => `@ ${ttl} SOA ns.invalid. admin.invalid. 1 600 60 6000 60\n`
const big = Array.from({ length: 12 }, (_, index) => `"${String(index % 10).repeat(250)}"`).join(" ")

/** One server for each address: zone → its records. 127.0.54.9 is nobody. */
const servers: Record<number, Record<string, string>> = {
  1: {
    ".": `${soa()}@ NS ns.root.\nns.root. A ${at(1)}\ntest. NS a.nic.test.\ntest. NS b.nic.test.\na.nic.test. A ${at(2)}\nb.nic.test. A ${at(9)}\norg. NS a.nic.test.\n`,
  },
  2: {
    "test.": [
      `${soa()}@ NS a.nic\n@ NS b.nic\na.nic A ${at(2)}\nb.nic A ${at(9)}`,
      `one NS ns1.one\none NS ns2.one\nns1.one A ${at(3)}\nns2.one A ${at(4)}`,
      "far NS ns1.hoster.org.\nfar NS ns2.one",
      `half NS ns1.half\nhalf NS ns2.half\nns1.half A ${at(3)}\nns2.half A ${at(9)}`,
      `limp NS ns1.limp\nlimp NS ns2.limp\nns1.limp A ${at(3)}\nns2.limp A ${at(4)}`,
      `gone NS ns1.gone\nns1.gone A ${at(9)}`,
      "orphan NS ns1.orphan",
    ].join("\n"),
    "org.": `${soa()}@ NS a.nic.test.\nhoster NS ns1.hoster\nns1.hoster A ${at(5)}\n`,
    // Parent and child on one server, and the child has a server more.
    "same.test.": `${soa()}@ NS ns1\n@ NS ns2\nns1 A ${at(2)}\nns2 A ${at(5)}\n`,
  },
  3: {
    "one.test.": `${soa()}@ NS ns1\n@ NS ns2\nns1 A ${at(3)}\nns2 A ${at(4)}\n_edd-verify.app TXT "tok" "en"\nbig TXT ${big}\nwww CNAME cdn.far.test.\nloop CNAME loop.far.test.\n`,
    "half.test.": `${soa()}@ NS ns1\n@ NS ns2\nx TXT "half"\n`,
    "limp.test.": `${soa()}@ NS ns1\n@ NS ns2\nx TXT "limp"\n`,
  },
  4: {
    "one.test.": `${soa()}@ NS ns1\n@ NS ns2\nns1 A ${at(3)}\nns2 A ${at(4)}\nbig TXT ${big}\nwww CNAME cdn.far.test.\nloop CNAME loop.far.test.\n`,
    "far.test.": `${soa()}@ NS ns1.hoster.org.\n@ NS ns2.one.test.\ncdn CNAME real\nreal A 192.0.2.80\nloop CNAME loop.one.test.\n`,
  },
  5: {
    "hoster.org.": `${soa()}@ NS ns1\nns1 A ${at(5)}\n`,
    "far.test.": `${soa()}@ NS ns1.hoster.org.\n@ NS ns2.one.test.\ncdn CNAME real\nreal A 192.0.2.80\nloop CNAME loop.one.test.\n`,
    "same.test.": `${soa()}@ NS ns1\n@ NS ns2\nns1 A ${at(2)}\nns2 A ${at(5)}\nx TXT "only here"\n`,
  },
}

async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: at(1) })
  const { port } = socket
  socket.close()
  return port
}

async function startKnot(folder: string, last: number, port: number) {
  const zones = servers[last] ?? {}
  const blocks = await Promise.all(
    Object.entries(zones).map(async ([zone, text]) => {
      const file = join(folder, `${last}-${zone}zone`)
      await writeFile(file, `$ORIGIN ${zone}\n$TTL 60\n${text}\n`)
      return `  - domain: ${zone}\n    file: ${file}\n    zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\n`
    }),
  )
  const config = join(folder, `${last}.conf`)
  const place = join(folder, String(last))
  await writeFile(
    config,
    [
      `server:\n  rundir: ${place}\n  listen: ${at(last)}@${port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n`,
      `control:\n  listen: ${place}/knot.sock\n`,
      `database:\n  storage: ${place}\n  journal-db-max-size: 5M\n  kasp-db-max-size: 5M\n  timer-db-max-size: 2M\n`,
      `log:\n  - target: stderr\n    any: error\nzone:\n${blocks.join("")}`,
    ].join(""),
  )
  await Bun.$`mkdir -p ${place}`.quiet()
  return Bun.spawn([knotd ?? "knotd", "-c", config], { stdin: "ignore", stdout: "ignore", stderr: "ignore" })
}

// Skipped where Debian's `knot` is not installed: these tests need a real authoritative server to ask.
describe.skipIf(!knotd)("against Knot: a root, two top-level domains and their zones", () => {
  let folder = ""
  let port = 0
  const processes: Bun.Subprocess[] = []
  const resolver = () => new Resolver({ roots: [{ name: "ns.root", address: at(1), port }], port, queryTimeoutMs: 400, budgetMs: 8000 })
  const facts = async (name: string, type: "A" | "TXT") => {
    const lookup = await resolver().lookup(name, type)
    return { ...lookup, answers: lookup.answers.map(({ server, outcome, values }) => [server, outcome].concat(values)).sort() }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "freehold-knot-"))
    port = await freePort()
    for (const last of Object.keys(servers)) processes.push(await startKnot(folder, Number(last), port))
    const signal = AbortSignal.timeout(8000)
    for (const [last, zones] of Object.entries(servers)) {
      for (const zone of Object.keys(zones)) {
        const to = { server: "", address: at(Number(last)), port }
        const question = { name: zone.slice(0, -1), type: 6, class: 1 }
        for (let ready = false; !ready && !signal.aborted;) {
          const reply = await exchange(to, question, { timeoutMs: 200, attempts: 1, signal })
          ready = reply.kind === "message" && reply.message.answers.length > 0
          if (!ready) await Bun.sleep(20)
        }
      }
    }
  }, 10_000)

  afterAll(async () => {
    for (const process of processes) process.kill()
    await Promise.all(processes.map((process) => process.exited))
    await rm(folder, { recursive: true, force: true })
  })

  test("a record on one of two servers is seen at once, and the other's denial too", async () => {
    expect(await facts("_edd-verify.app.one.test", "TXT")).toEqual({
      name: "_edd-verify.app.one.test",
      type: "TXT",
      zone: "one.test",
      via: "authoritative",
      answers: [
        ["ns1.one.test", "answer", "token"],
        ["ns2.one.test", "nxdomain"],
      ],
    })
  })

  test("an empty non-terminal is there, without data", async () => {
    const { answers } = await facts("app.one.test", "TXT")
    expect(answers).toEqual([
      ["ns1.one.test", "nodata"],
      ["ns2.one.test", "nxdomain"],
    ])
  })

  test("a TXT too big for a datagram comes over TCP", async () => {
    const { answers } = await facts("big.one.test", "TXT")
    expect(answers.map(([, outcome, value]) => [outcome, value?.length])).toEqual([
      ["answer", 3000],
      ["answer", 3000],
    ])
  })

  test("CNAMEs are followed through a zone whose servers are named elsewhere", async () => {
    const { zone, answers, problem } = await facts("www.one.test", "A")
    expect({ zone, answers, problem }).toEqual({
      zone: "far.test",
      problem: undefined,
      answers: [
        ["ns1.hoster.org", "answer", "192.0.2.80"],
        ["ns2.one.test", "answer", "192.0.2.80"],
      ],
    })
  })

  test("CNAMEs in a circle are a problem, not a hang", async () => {
    expect((await facts("loop.one.test", "A")).problem).toContain("circle")
  })

  test("a dead server and a lame one are reported beside the one that answers", async () => {
    expect((await facts("x.half.test", "TXT")).answers).toEqual([
      ["ns1.half.test", "answer", "half"],
      ["ns2.half.test", "unreachable"],
    ])
    const limp = (await facts("x.limp.test", "TXT")).answers
    expect(limp).toEqual([
      ["ns1.limp.test", "answer", "limp"],
      ["ns2.limp.test", "refused"],
    ])
  })

  test("a zone cut on the parent's own server is seen, with every server of the child", async () => {
    expect((await facts("x.same.test", "TXT")).answers).toEqual([
      ["ns1.same.test", "nxdomain"],
      ["ns2.same.test", "answer", "only here"],
    ])
  })

  test.each([
    ["x.gone.test", "None of the 1 name-server addresses of gone.test gave a usable answer: unreachable."],
    ["x.orphan.test", "None of the 1 name-server addresses of orphan.test gave a usable answer: unreachable."],
    ["x.nonesuch", "No delegation was found for x.nonesuch: the root zone has no such top-level domain."],
  ])("%s ends in a sentence", async (name, problem) => {
    expect((await facts(name, "TXT")).problem).toBe(problem)
  })
})
