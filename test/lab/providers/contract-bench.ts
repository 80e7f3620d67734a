import { expect } from "bun:test"
import {
  type DnsProvider,
  type EditableZone,
  type ProviderAdapter,
  ProviderFault,
  type RecordSet,
  type RecordSetType,
} from "../../../src/providers/provider"
import type { StandIn } from "./stand-in"
import { startZoneServer, type ZoneServer } from "./zone-server"

/** What a stand-in is started with: the zones that `credential` may edit (`zones` of them are real only at `server`), and those of somebody else. */
export type StandInWorld = { server: ZoneServer; zones: string[]; foreignZones: string[]; credential: string }

/** An adapter, and what is particular about its provider. */
export type Contract = {
  adapter: ProviderAdapter
  start(world: StandInWorld): Promise<StandIn>
  credential: string
  wrongCredential: string
  /** Whether a replacement is one change at the provider: then none is ever seen half done, and CNAMEs and addresses change places as one. */
  atomic?: boolean
  /** Texts that are parts of the credential and may be in no message; the whole is always among them. */
  secrets?: string[]
  /** Credentials that have not the form. */
  malformed?: string[]
  /** The provider's handle of `foreign.test`, where that is not its name. */
  foreignZoneId?: string
  /** Where the adapter is for name servers themselves: such a server with these zones, in place of the one behind a stand-in. */
  startServer?(zones: string[]): Promise<ZoneServer>
  /** Why that cannot run here. */
  obstacle?: string
  /** What stands behind the name of the provider in the tests. */
  label?: string
  /** A provider that limits no rates. */
  isUnlimited?: boolean
  /** A provider that limits rates, and whose documents do not say when to come back. */
  namesNoWait?: boolean
  /** Looking for a zone that is somebody else's is denied where it cannot be told from an unknown credential. */
  foreignIsDenied?: boolean
  /** Which of the record cases the provider cannot hold, by what they are; the contract then asks for a `refused`. */
  cannotHold?: string[]
  /** Record cases, by what they are, that the provider can hold in part; which part, its own test says. */
  besides?: string[]
  /** Types that the provider cannot hold at all; the contract then asks for a `refused`. */
  unsupported?: RecordSetType[]
}

const editableZones = ["example.test", "dev.example.test"]
/** A zone of somebody else. */
export const foreignZone = "foreign.test"
/** So many that no provider lists them on one page. */
export const fillerZones = Array.from({ length: 230 }, (_, index) => `filler-${String(index).padStart(3, "0")}.test`)

/** A set that lives for an hour. */
export const setOf = (name: string, type: RecordSetType, ...values: string[]): RecordSet => ({ name, type, ttlSeconds: 3600, values })

/** One adapter in front of its provider's stand-in, and the name server behind that; what the tests of a contract have in common. */
export class ContractBench {
  server!: ZoneServer
  standIn!: StandIn
  provider!: DnsProvider
  /** `example.test` as the adapter found it. */
  zone!: EditableZone
  private names = 0

  constructor(readonly contract: Contract) {}

  async start(): Promise<void> {
    const { startServer, start, credential } = this.contract
    const real = [...editableZones, foreignZone]
    this.server = await (startServer?.([...real, fillerZones.at(-1) ?? ""]) ?? startZoneServer(real))
    this.standIn = await start({ server: this.server, zones: [...fillerZones, ...editableZones], foreignZones: [foreignZone], credential })
    this.provider = this.open(credential)
    this.zone = await this.found("example.test")
  }

  async stop(): Promise<void> {
    await this.standIn?.stop()
    await this.server?.stop()
  }

  open = (credential: string) => this.contract.adapter.open(credential, { baseUrl: this.standIn.url })

  signal = () => AbortSignal.timeout(20_000)

  found = async (hostname: string): Promise<EditableZone> => {
    const answer = await this.provider.findZone(hostname, this.signal())
    if (answer === undefined) throw new Error(`no zone was found for ${hostname}`)
    return answer
  }

  /** A name that no other test uses. */
  freshName = () => `n${++this.names}.example.test`

  replace = (set: RecordSet) => this.provider.replaceSet(this.zone, set, this.signal())

  read = async (name: string, type: RecordSetType) => (await this.provider.readSet(this.zone, name, type, this.signal()))?.values.sort()

  /** What the name server holds, by zone transfer: sorted values by name and type. */
  held = async (zone = "example.test") =>
    new Map((await this.server.sets(zone)).map(({ name, type, values }) => [`${name} ${type}`, values.sort()]))

  /** The fault that the work ends with, which holds nothing of the credential. */
  faultOf = async (work: Promise<unknown>): Promise<ProviderFault> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof ProviderFault)) throw new Error(`expected a ProviderFault, got ${String(error)}`, { cause: error })
    for (const secret of [this.contract.credential, ...(this.contract.secrets ?? [])]) {
      expect(error.message).not.toContain(secret)
      expect(String(error.cause ?? "")).not.toContain(secret)
    }
    return error
  }
}
