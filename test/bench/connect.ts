// A program: `scripts/bench connect [--count N]`. Takes connections from created to live against a real ACME server (Pebble) and real name servers (Knot),
// with the compiled binary, and prints how long that took and how much CPU the binary used.

import { presentation } from "../lab/dns"
import { runCommand, waitUntil } from "../lab/process"
import { stageObstacle, startStage } from "../e2e/stage"
import { describeMachine } from "./machine"
import { cpuTicks, readMemory } from "./memory"
import { parseCount } from "./options"
import { Undo } from "./undo"

const base = "cloud.test"
const zone = "customer.test"
const atOnce = 20
const limitMs = 15 * 60_000

process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let count: number
  try {
    count = parseCount(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 2
  }
  const obstacle = await stageObstacle({ pebble: true })
  if (obstacle !== undefined) {
    console.error(`cannot run here: ${obstacle}`)
    return 1
  }
  for (const [name, value] of Object.entries(await describeMachine())) console.log(`${name.padEnd(10)} ${value}`)
  const undo = new Undo()
  undo.onSignals()
  try {
    return await measure(count, undo)
  } finally {
    await undo.run()
  }
}

async function measure(count: number, undo: Undo): Promise<number> {
  const stage = await startStage({
    pebble: true,
    zones: [zone, base],
    prepare: async (dns, address) => {
      for (const name of [base, `*.${base}`]) await dns.publish("both", name, "A", address)
      return {
        FREEHOLD_BASE_DOMAIN: base,
        FREEHOLD_PUBLIC_IPV4: address,
        FREEHOLD_DNS_RECURSIVES: "none",
        FREEHOLD_ACME_ORDER_LIMIT: String(count + 100),
        FREEHOLD_DEFAULT_ORIGIN: "http://127.0.0.1:9",
        FREEHOLD_ACCESS_LOG: "off",
      }
    },
  })
  undo.add(() => stage.stop())
  const { token } = await stage.house.login()
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await stage.house.api(method, path, { token, body })
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return JSON.parse(answer.text) as T
  }
  const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)
  const { id: application } = await ask<{ id: string }>("POST", "/v1/applications", { name: "bench" })
  const cpuBefore = await cpuTicks(stage.house.pid)

  const createdAt = performance.now()
  const names = Array.from({ length: count }, (_, index) => `c${index}.${zone}`)
  const proofs: { name: string; value: string }[] = []
  await inParallel(names, async (hostname) => {
    const body = { application_id: application, hostname }
    proofs.push((await ask<{ ownership_challenge: { name: string; value: string } }>("POST", "/v1/connections", body)).ownership_challenge)
  })
  console.log(`created    ${count} connections in ${seconds(createdAt)} s`)

  await publish([stage.dns.addresses.ns1, stage.dns.addresses.ns2], proofs)
  const publishedAt = performance.now()
  const live = async () => (await ask<{ usage: { kind: string; used: number }[] }>("GET", "/v1/usage")).usage[1]?.used ?? 0
  let last = 0
  await waitUntil(
    async () => {
      const now = await live()
      if (Math.floor(now / 100) > Math.floor(last / 100)) console.log(`  ${String(now).padStart(6)} live after ${seconds(publishedAt)} s`)
      last = now
      return now >= count
    },
    { what: `${count} connections to be live`, limitMs, everyMs: 500 },
  ).catch(async (error: unknown) => {
    const stuck = await ask<{ data: { state: string; error_detail: string | null }[] }>("GET", "/v1/connections?limit=1")
    throw new Error(`${String(error)}: ${last} are, and one of the others is ${JSON.stringify(stuck.data[0])}`)
  })
  const tookMs = performance.now() - publishedAt
  const cpuMs = ((await cpuTicks(stage.house.pid)) - cpuBefore) * 10
  const { residentKiB } = await readMemory(stage.house.pid)
  console.log(
    `live       all ${count} in ${(tookMs / 1000).toFixed(1)} s from the publication of their records: ${((count * 1000) / tookMs).toFixed(1)} a second`,
  )
  console.log(`CPU        ${(cpuMs / 1000).toFixed(1)} s of the binary in all, ${(cpuMs / count).toFixed(1)} ms a connection`)
  console.log(`memory     ${Math.round(residentKiB / 1024)} MiB resident at the end`)
  return 0
}

async function inParallel<T>(all: T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Many records in few messages. */
async function publish(servers: string[], records: { name: string; value: string }[]): Promise<void> {
  for (const server of servers) {
    for (let start = 0; start < records.length; start += 200) {
      const lines = records.slice(start, start + 200).flatMap(({ name, value }) => {
        const host = name.slice(name.indexOf(".") + 1)
        return [`update add ${name}. 60 TXT ${presentation("TXT", value)}`, `update add ${host}. 60 CNAME ingress.${base}.`]
      })
      await runCommand(["knsupdate", "-v", "-t", "10"], { input: `server ${server} 53\nzone ${zone}.\n${lines.join("\n")}\nsend\nquit\n` })
    }
  }
}
