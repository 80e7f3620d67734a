import { X509Certificate } from "node:crypto"
import type { Mapping } from "../e2e/person"
import type { Stage } from "../e2e/stage"
import { type Hand, mustBeEmpty, pick, type Workflow } from "./house-workflow"

type Proof = { name: string; value: string }
type Connection = {
  id: string
  hostname: string
  state: string
  ownership_challenge?: Proof
  desired_records: { host: string; type: "A" | "CNAME"; value: string }[]
}

type Name = {
  hostname: string
  kind: "mapping" | "connection"
  /** Its owner publishes the proof. */
  isProvable: boolean
  id?: string
  proof?: Proof
  isPublished: boolean
  /** What visitors got once it was certified: the same from then on. */
  serial?: string
  fate: "asked for" | "there" | "being deleted" | "deleted"
  /** Kills since its proof was published and before it was seen certified: each may have cost an order. */
  killsUnderWay: number
}

const living = 12
const provenStates = new Set(["verified", "issuing_cert", "live", "drifted"])

/** Hostnames from their creation over proof and certificate to their end, as mappings and as connections. */
export class Names implements Workflow {
  readonly name = "hostnames"
  private all: Name[] = []
  private made = 0

  constructor(
    private stage: Stage,
    private hand: Hand,
    private options: { container: string; application: string; random: () => number },
  ) {}

  private alive = () => this.all.filter(({ fate }) => fate === "there" || fate === "asked for")

  async step(): Promise<void> {
    const alive = this.alive()
    const dice = this.options.random()
    if (alive.length < living && dice < 0.5) return this.begin()
    const name = pick(
      this.options.random,
      alive.filter(({ fate }) => fate === "there"),
    )
    if (name === undefined) return
    if (dice > 0.9 || (alive.length >= living && dice > 0.6)) return this.end(name)
    return this.advance(name)
  }

  private async begin(): Promise<void> {
    const { random, container, application } = this.options
    const name: Name = {
      hostname: `n${++this.made}.customer.test`,
      kind: random() < 0.6 ? "mapping" : "connection",
      isProvable: random() < 0.75,
      isPublished: false,
      fate: "asked for",
      killsUnderWay: 0,
    }
    await this.stage.point(name.hostname)
    this.all.push(name)
    if (name.kind === "mapping") {
      const body = { container_id: container, domain: name.hostname, target_port: 8080 }
      this.adopt(name, await this.hand.json<Mapping>("POST", "/api/domain-mappings", body))
    } else {
      this.adopt(
        name,
        await this.hand.json<Connection>("POST", "/v1/connections", { application_id: application, hostname: name.hostname }),
      )
    }
    await this.publish(name)
  }

  private adopt(name: Name, shown: Mapping | Connection): void {
    name.id = shown.id
    name.fate = "there"
    if ("verify_name" in shown) name.proof = { name: shown.verify_name, value: shown.verify_token }
    else name.proof = shown.ownership_challenge ?? name.proof
  }

  private async publish(name: Name): Promise<void> {
    if (!name.isProvable || name.isPublished || !name.proof) return
    name.isPublished = true
    await this.stage.dns.publish("both", name.proof.name, "TXT", name.proof.value)
  }

  private path = ({ kind, id }: Name) => (kind === "mapping" ? `/api/domain-mappings/${id}` : `/v1/connections/${id}`)

  private async advance(name: Name): Promise<void> {
    await this.publish(name)
    await this.hand.ask("POST", `${this.path(name)}/verify`, undefined, [200, 202, 409, 429])
    if (!name.isPublished || name.serial !== undefined) return
    for (let looks = 0; looks < 10 && name.serial === undefined; looks++) {
      name.serial = await this.served(name.hostname)
      if (name.serial === undefined) await Bun.sleep(100)
    }
  }

  private async end(name: Name): Promise<void> {
    name.fate = "being deleted"
    await this.hand.ask("DELETE", this.path(name))
    name.fate = "deleted"
  }

  /** The serial number that a visitor's handshake shows. A TLS-ALPN-01 challenge (RFC 8737) that is up signs for itself, and is none. */
  private async served(hostname: string): Promise<string | undefined> {
    const pem = await this.stage.house.certificate(hostname)
    if (pem === undefined) return undefined
    const certificate = new X509Certificate(pem)
    return certificate.issuer === certificate.subject ? undefined : certificate.serialNumber
  }

  /** Each order that a kill cut short may have to be made again. */
  killed(): void {
    for (const name of this.all) if (name.isPublished && name.serial === undefined) name.killsUnderWay++
  }

  async compare(): Promise<void> {
    const { domains } = await this.hand.json<{ domains: Mapping[] }>("GET", "/api/domain-mappings")
    const { data } = await this.hand.json<{ data: Connection[] }>("GET", "/v1/connections?limit=200")
    const shown = new Map<string, Mapping | Connection>([
      ...domains.map((one) => [one.domain, one] as const),
      ...data.filter(({ state }) => state !== "archived").map((one) => [one.hostname, one] as const),
    ])
    const wrong: string[] = []
    for (const name of this.all) wrong.push(...(await this.faultsOf(name, shown.get(name.hostname))))
    for (const [hostname, serials] of this.stage.front.certificates)
      if (serials.size > 1) wrong.push(`${hostname} was certified ${serials.size} times`)
    mustBeEmpty("hostnames", wrong)
    // What ended is compared once more after the next kill, and no further.
    const over = this.all.filter(({ fate }) => fate === "deleted")
    this.all = this.all.filter((name) => name.fate !== "deleted" || over.indexOf(name) >= over.length - 6)
  }

  private async faultsOf(name: Name, shown: Mapping | Connection | undefined): Promise<string[]> {
    const { hostname } = name
    if (name.fate === "there" && shown === undefined) return [`${hostname} was acknowledged and is gone`]
    if (name.fate === "deleted" && shown !== undefined) return [`${hostname} was deleted and is back`]
    if (name.fate === "asked for" || name.fate === "being deleted") {
      if (shown === undefined) name.fate = "deleted"
      else this.adopt(name, shown)
    }
    const faults: string[] = []
    const state = shown === undefined ? "absent" : "status" in shown ? String(shown.status) : shown.state
    const serial = await this.served(hostname)
    if (!name.isPublished && (provenStates.has(state) || serial !== undefined))
      faults.push(`${hostname} is ${state} and served without proof`)
    if (name.fate === "deleted" && serial !== undefined) faults.push(`${hostname} is served after its end`)
    if (name.fate === "there" && name.serial !== undefined && serial !== name.serial)
      faults.push(`${hostname} lost its certificate: ${serial} instead of ${name.serial}`)
    const orders = this.stage.front.orders.get(hostname) ?? 0
    if (orders > 1 + name.killsUnderWay) faults.push(`${hostname} was ordered ${orders} times over ${name.killsUnderWay} kills`)
    return faults
  }

  /** Names that were proven and are not certified yet. */
  async uncertified(): Promise<string[]> {
    const waiting: string[] = []
    for (const name of this.all.filter(({ fate, isPublished }) => fate === "there" && isPublished)) {
      if ((await this.served(name.hostname)) === undefined) waiting.push(name.hostname)
    }
    return waiting
  }

  figures(): string {
    const { orders, certificates } = this.stage.front
    const made = [...orders.values()].reduce((sum, count) => sum + count, 0)
    return `${this.made} hostnames, ${certificates.size} certified once each by ${made} orders`
  }
}
