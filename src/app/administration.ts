import { Administration, type Holding } from "../accounts/administration"
import { AdministrationStore } from "../accounts/administration-store"
import { ResetLinks } from "../accounts/reset-links"
import { AccountStore } from "../accounts/store"
import { AuditTrail } from "../audit/service"
import { AuditStore } from "../audit/store"
import type { ComputeService } from "../compute/service"
import { RegistryStore } from "../compute/registry-store"
import { SshStore } from "../compute/ssh-store"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { Log } from "../log"
import type { MappingService } from "../mappings/service"
import { MappingStore } from "../mappings/store"
import type { Act } from "../s3/acts"
import { ZoneStore } from "../zones/store"

export type AdministrationNeeds = {
  config: ConfigInForce
  db: Db
  mappings: MappingService
  compute: ComputeService
  /** What else people own, removed before the rest. */
  more?: Holding[]
  log: Log
  now: () => number
  agingNow?: () => number
}

/** What the trail takes of an SSH login. */
type SshLogin = {
  outcome: "allowed" | "denied"
  address: string
  fingerprint: string | undefined
  personId: string | undefined
  containerId: string | undefined
}

/** A bucket may be named whatever fits into an address. */
const maxTargetLength = 200

/** Who may be here and what they did: the administration of people, their one-time links, and the audit trail. */
export class HouseAdministration {
  readonly people: Administration
  readonly links: ResetLinks
  readonly trail: AuditTrail
  private store: AdministrationStore
  private listeners: ((personId: string) => void)[] = []

  constructor(needs: AdministrationNeeds) {
    const { config, db, log, now } = needs
    const store = new AdministrationStore(db)
    this.store = store
    this.links = new ResetLinks(store, now)
    this.people = new Administration({
      store,
      accounts: new AccountStore(db),
      links: this.links,
      holdings: holdings(needs),
      onStopped: (personId) => this.listeners.forEach((listener) => listener(personId)),
      now,
    })
    this.trail = new AuditTrail({
      store: new AuditStore(db),
      get retentionMs() {
        return config.current.auditRetentionMs
      },
      log,
      now,
      agingNow: needs.agingNow,
    })
  }

  /** `listener` hears of everybody who is disabled or deleted, at that moment: it ends the connections that they still hold. */
  whenStopped(listener: (personId: string) => void): void {
    this.listeners.push(listener)
  }

  /** Puts on record who logged in to a container by SSH, or tried to. Never rejects. */
  async noteSshLogin({ outcome, personId, containerId, fingerprint, address }: SshLogin): Promise<void> {
    // What is on record without the name is better than nothing.
    const person = personId === undefined ? undefined : await this.store.person(personId).catch(() => undefined)
    await this.trail.record({
      personId: personId ?? null,
      username: person?.username ?? null,
      tokenKind: fingerprint === undefined ? null : "ssh_key",
      tokenId: fingerprint ?? null,
      address,
      action: "SSH login",
      target: containerId ?? null,
      outcome,
      status: null,
    })
  }

  /** Puts on record what somebody did at the S3 door, or was denied. Never rejects. */
  async noteS3({ personId, keyId, operation, bucket, outcome, status }: Act, address: string): Promise<void> {
    const person = personId === undefined ? undefined : await this.store.person(personId).catch(() => undefined)
    await this.trail.record({
      personId: personId ?? null,
      username: person?.username ?? null,
      tokenKind: "storage_key",
      tokenId: keyId,
      address,
      action: `S3 ${operation}`,
      target: bucket?.slice(0, maxTargetLength) ?? null,
      outcome,
      status,
    })
  }

  start(): void {
    this.trail.start()
  }

  stop(): Promise<void> {
    return this.trail.stop()
  }
}

/** What people own, in the order in which it is removed: a mapping's record is taken away with the provider token of an owned domain. */
function holdings({ db, mappings, compute, more }: AdministrationNeeds): Holding[] {
  const accounts = new AccountStore(db)
  const zones = new ZoneStore(db)
  const mappingStore = new MappingStore(db)
  const ssh = new SshStore(db)
  const registries = new RegistryStore(db)
  return [
    ...(more ?? []),
    {
      kind: "domain_mappings",
      list: async (personId) => (await mappingStore.list(personId)).map(({ id, domain }) => ({ id, name: domain })),
      remove: (personId, id) => mappings.delete(personId, id),
    },
    {
      kind: "containers",
      list: (personId) => compute.list({ personId, isAdmin: false }),
      remove: (personId, id) => compute.delete({ personId, isAdmin: false }, id),
    },
    {
      kind: "owned_domains",
      list: async (personId) => (await zones.list(personId)).map((domain) => ({ id: domain.id, name: domain.zones.join(" ") })),
      remove: async (personId, id) => void (await zones.delete(personId, id)),
    },
    { kind: "service_accounts", list: (personId) => accounts.accounts(personId) },
    { kind: "api_tokens", list: (personId) => accounts.tokens(personId) },
    { kind: "ssh_keys", list: async (personId) => (await ssh.keys(personId)).map(({ id, name }) => ({ id: String(id), name })) },
    {
      kind: "registry_credentials",
      list: async (personId) => (await registries.list(personId)).map(({ id, registry }) => ({ id, name: registry })),
    },
  ]
}
