import type { ConnectionState } from "../db/connect-schema"
import { roomOn } from "../disk-space"
import { DayTraffic } from "./day-traffic"
import { problemInWords } from "../problem-words"
import { type Finding, type House, type HostnameStates, type Overview, weightiest } from "./model"
import type { OverviewStore } from "./store"

export type OverviewNeeds = {
  store: OverviewStore
  /** Where the record that proves a name stands. */
  verifyName: (domain: string) => string
  /** What is to be said of our public addresses: those that were ours not long ago, and one that the Internet sees in place of what the settings say. */
  addresses: {
    former: () => { address: string; leftAt: number; successor: string | undefined }[]
    contradiction: () => { configured: string; seen: string } | undefined
  }
  /** The name that customers' records lead to. */
  ingress: string
  disk: () => { total_bytes: number; free_bytes: number; floor_bytes: number }
  engine: () => { state: House["engine"]["state"]; socket?: string; kind?: string; version?: string; since?: number; problem?: string }
  backups: () => { kind: "failed" | "overdue"; severity: "bad" | "warn"; since: number; reason: string } | undefined
  /** What lies where this program was started from: itself, or another, or nothing. */
  program?: () => { path: string | null; on_disk: "same" | "other" | "missing" }
  /** What else is the matter with the house, the weightiest, and how much in all. */
  more?: () => Promise<{ findings: Finding[]; total: number }>
  /** Below it lie the platform's own names, of which nobody in particular is told. */
  baseDomain?: string
  isServed?: (hostname: string) => boolean
  now: () => number
}

type Found = { findings: Finding[]; total: number }

const found = <Row extends { total: number }>(rows: Row[], show: (row: Row) => Finding): Found => ({
  findings: rows.map(show),
  total: Number(rows[0]?.total ?? 0),
})

/** That was so at the start, or is somebody's own doing, or counts what alerts list by name. */
const noNews: ReadonlySet<Finding["kind"]> = new Set(["engine_missing", "upgrade_waiting", "others_certificates"])

/** A renewal that failed so often is no passing trouble. */
const stubbornFailures = 3
/** Renewals in trouble that are told of one by one. */
const maxRenewals = 200

/** What Home shows of a person's things, and of the house for administrators; a handful of queries, whatever there is. */
export class OverviewService {
  private traffic: DayTraffic

  constructor(private needs: OverviewNeeds) {
    const { store, now } = needs
    this.traffic = new DayTraffic({ hour: (personId, start) => store.hour(personId, start), names: store.names.bind(store), now })
  }

  async read({ personId, isAdmin }: { personId: string; isAdmin: boolean }): Promise<Overview> {
    const { store } = this.needs
    const own = [
      await this.mappings(personId),
      await this.connections(personId),
      await this.certificates(personId),
      found(await store.failedContainers(personId), ({ id, name, statusDetail }) => ({
        kind: "container_failed",
        severity: "bad",
        subject: { kind: "container", id, name },
        since: null,
        reason: statusDetail ?? "it ended and was not started again",
        step: "Read its log, mend what it says, and start it again.",
      })),
    ]
    const ownFailing = own[2]?.total ?? 0
    const house = isAdmin ? await this.house(ownFailing) : undefined
    const all = house === undefined ? own : [...own, house.found]
    return {
      attention: weightiest(all.flatMap(({ findings }) => findings)),
      attention_total: all.reduce((sum, { total }) => sum + total, 0),
      hostnames: await this.hostnames(personId),
      containers: await this.containers(personId),
      traffic: await this.traffic.read(personId),
      house: house?.house ?? null,
    }
  }

  /** What alerts tell of: trouble of the house, and certificates of everybody's that cannot be renewed. */
  async conditions(): Promise<Finding[]> {
    const { found: ofHouse } = await this.house(0)
    const told = ofHouse.findings.filter(({ kind }) => !noNews.has(kind))
    return [...told, ...(await this.renewals())]
  }

  private async renewals(): Promise<Finding[]> {
    const { store, baseDomain = "", isServed = () => true, now } = this.needs
    const rows = await store.renewalsInTrouble(baseDomain, now(), stubbornFailures)
    return rows
      .filter(({ hostname }) => isServed(hostname.replace(/^\*\./, "any.")))
      .slice(0, maxRenewals)
      .map(({ hostname, failures, problem, renewAt, notAfter }) => {
        const leftMs = notAfter - now()
        const left =
          leftMs <= 0
            ? "it has expired"
            : leftMs < 2 * 86_400_000
              ? `${Math.floor(leftMs / 3_600_000)} hours are left`
              : `${Math.floor(leftMs / 86_400_000)} days are left`
        const isFailing = (failures ?? 0) > 0
        return {
          kind: isFailing ? "certificate_failing" : "certificate_overdue",
          severity: leftMs < 7 * 86_400_000 ? "bad" : "warn",
          subject: { kind: "house", id: null, name: hostname },
          since: renewAt,
          reason: isFailing
            ? `its certificate cannot be renewed, ${left}: ${problemInWords(problem ?? "")}`
            : `its certificate should have been renewed and no order was made, ${left}`,
          step: `“freehold doctor ${hostname}” names the record or the setting that is in the way.`,
        }
      })
  }

  private async mappings(personId: string): Promise<Found> {
    const { store, verifyName, now } = this.needs
    return found(await store.stuckMappings(personId, now()), ({ id, domain, status, verifyToken, windowStartedAt, lastDetail }) => {
      const subject = { kind: "mapping" as const, id, name: domain }
      const record = `the TXT record ${verifyName(domain)} with the value ${verifyToken}`
      if (status === "failed") {
        const reason = lastDetail ?? "the record that proves the name was not found in time"
        return {
          kind: "mapping_failed",
          severity: "bad",
          subject,
          since: windowStartedAt,
          reason,
          step: `Make ${record}, then verify again.`,
        }
      }
      const reason = lastDetail ?? "nobody has looked yet"
      return { kind: "mapping_pending", severity: "warn", subject, since: windowStartedAt, reason, step: `Make ${record}.` }
    })
  }

  private async connections(personId: string): Promise<Found> {
    const { store, now } = this.needs
    return found(await store.stuckConnections(personId, now()), ({ id, hostname, state, changedAt, errorCode, errorDetail }) => ({
      ...connectionTrouble(errorCode === "address_changed" && state === "live" ? "address_changed" : state),
      subject: { kind: "connection", id, name: hostname },
      since: changedAt,
      reason: errorDetail ?? `it is ${state.replaceAll("_", " ")}`,
    }))
  }

  private async certificates(personId: string): Promise<Found> {
    const { store, now } = this.needs
    const failing = found(await store.failingCertificates(personId), (row) => ({
      kind: "certificate_failing",
      // One that still holds leaves time.
      severity: row.notAfter !== null && row.notAfter - now() > 7 * 86_400_000 ? "warn" : "bad",
      subject: { kind: row.kind, id: row.holderId, name: row.hostname },
      since: row.renewAt !== null && row.renewAt < now() ? row.renewAt : row.lastAttemptAt,
      reason: problemInWords(row.problem ?? ""),
      step: "Look at its preflight: it names the record or the setting that is in the way.",
    }))
    const overdue = found(await store.overdueCertificates(personId, now()), (row) => ({
      kind: "certificate_overdue",
      severity: "warn",
      subject: { kind: row.kind, id: row.holderId, name: row.hostname },
      since: row.renewAt,
      reason: "the certificate should have been renewed, and no order was made: its name may lead elsewhere",
      step: "Look at where the name leads, in its preflight.",
    }))
    return { findings: [...failing.findings, ...overdue.findings], total: failing.total + overdue.total }
  }

  private async hostnames(personId: string): Promise<Overview["hostnames"]> {
    const { store } = this.needs
    const states: HostnameStates = { live: 0, waiting: 0, failed: 0, drifted: 0 }
    for (const { status, count } of await store.mappingStates(personId))
      states[status === "verified" ? "live" : status === "failed" ? "failed" : "waiting"] += Number(count)
    for (const { state, count } of await store.connectionStates(personId))
      states[state === "live" || state === "failed" || state === "drifted" ? state : "waiting"] += Number(count)
    return { total: Object.values(states).reduce((sum, count) => sum + count, 0), ...states }
  }

  private async containers(personId: string): Promise<Overview["containers"]> {
    const states = { running: 0, starting: 0, stopped: 0, failed: 0 }
    for (const { status, count } of await this.needs.store.containerStates(personId))
      states[status === "pending" || status === "initializing" ? "starting" : status] += Number(count)
    return { total: Object.values(states).reduce((sum, count) => sum + count, 0), ...states }
  }

  private async house(ownFailing: number): Promise<{ house: House; found: Found }> {
    const { store, disk, engine } = this.needs
    const [faults, certificates, space, now] = [await store.storageFaults(), await store.certificates(), disk(), engine()]
    const { state, kind = null, version = null } = now
    const findings = [...this.ofDisk(space), ...this.ofEngine(now), ...(await this.ofAddresses()), ...this.ofBackups(), ...this.ofProgram()]
    const subject = { kind: "house" as const, id: null }
    if (faults.count > 0)
      findings.push({
        kind: "storage_faults",
        severity: "bad",
        subject: { ...subject, name: "Stored files" },
        since: faults.since,
        reason: `${faults.count} stored ${faults.count === 1 ? "file is" : "files are"} damaged or missing on disk`,
        step: "Bring them back from a backup, or upload them again; then look at the disk.",
      })
    const others = certificates.failing - ownFailing
    if (others > 0)
      findings.push({
        kind: "others_certificates",
        severity: "warn",
        subject: { ...subject, name: "Certificates" },
        since: null,
        reason: `${others} ${others === 1 ? "name" : "names"} of the platform or of others cannot get or renew a certificate`,
        step: "Read in the list of certificates what the issuer says.",
      })
    const more = (await this.needs.more?.()) ?? { findings: [], total: 0 }
    return {
      house: { disk: space, engine: { state, kind, version }, certificates, storage_faults: faults.count },
      found: { findings: [...findings, ...more.findings], total: findings.length + more.total },
    }
  }

  private async ofAddresses(): Promise<Finding[]> {
    const { addresses, ingress, store } = this.needs
    const subject = { kind: "house" as const, id: null, name: "Public address" }
    const contradiction = addresses.contradiction()
    const [last] = addresses.former()
    const findings: Finding[] = []
    if (contradiction !== undefined) {
      const { configured, seen } = contradiction
      findings.push({
        kind: "address_contradicted",
        severity: "warn",
        subject,
        since: null,
        reason: `the settings say ${configured}, and the Internet sees this server as ${seen}`,
        step: `Set the public address to ${seen}, unless visitors come in by another address than this server goes out by.`,
      })
    }
    if (last !== undefined) {
      const waiting = await store.waitingForAddress()
      const whose = waiting === 1 ? "1 hostname waits" : `${waiting} hostnames wait`
      findings.push({
        kind: "address_changed",
        severity: "warn",
        subject,
        since: last.leftAt,
        reason: `it changed from ${last.address} to ${last.successor ?? "none"}; records that can be written here follow it, ${whose} for their owners`,
        step: `See that ${ingress} leads to ${last.successor ?? "this server"} where its zone is kept elsewhere.`,
      })
    }
    return findings
  }

  private ofDisk({ total_bytes: total, free_bytes: free, floor_bytes: floor }: House["disk"]): Finding[] {
    const subject = { kind: "house" as const, id: null, name: "Disk" }
    const step = "Delete what is not needed, or give the data folder a larger disk."
    const room = roomOn({ totalBytes: total, freeBytes: free, floorBytes: floor })
    if (room === "full") {
      const reason = "no more files are taken: the disk has less free space than storage_floor leaves"
      return [{ kind: "disk_full", severity: "bad", subject, since: null, reason, step }]
    }
    if (room === "enough") return []
    const reason = `${Math.floor((free / total) * 100)} % of the disk is free`
    return [{ kind: "disk_low", severity: "warn", subject, since: null, reason, step }]
  }

  private ofProgram(): Finding[] {
    const { path, on_disk: onDisk } = this.needs.program?.() ?? { path: null, on_disk: "same" }
    const house = { subject: { kind: "house" as const, id: null, name: "Freehold" }, since: null }
    if (onDisk === "other") {
      const reason = `another program lies at ${path} than the one that runs`
      const step = "Restart Freehold, so that it runs: systemctl restart freehold."
      return [{ kind: "upgrade_waiting", severity: "warn", ...house, reason, step }]
    }
    if (onDisk === "same") return []
    const reason = `the program is gone from ${path}: Freehold runs, and cannot be started again`
    return [{ kind: "program_missing", severity: "bad", ...house, reason, step: "Install it anew before anything restarts it." }]
  }

  private ofBackups(): Finding[] {
    const trouble = this.needs.backups()
    if (trouble === undefined) return []
    const { kind, ...rest } = trouble
    const step = "Mend what it says, then run one: freehold backups run, or POST /admin/backups."
    return [{ kind: `backup_${kind}`, subject: { kind: "house", id: null, name: "Backups" }, step, ...rest }]
  }

  private ofEngine({ state, socket, since, problem }: ReturnType<OverviewNeeds["engine"]>): Finding[] {
    const subject = { kind: "house" as const, id: null, name: "Container engine" }
    if (state === "away") {
      const reason = problem ?? "it does not answer"
      const step = `Start Podman or Docker, so that it answers at ${socket}.`
      return [{ kind: "engine_away", severity: "bad", subject, since: since ?? null, reason, step }]
    }
    if (state !== "not_found") return []
    const reason = "neither Podman nor Docker was found when Freehold started, so no container can be made"
    const step = "Install Podman and restart Freehold, or set container_engine=none if none is wanted."
    return [{ kind: "engine_missing", severity: "warn", subject, since: null, reason, step }]
  }
}

function connectionTrouble(state: ConnectionState | "address_changed"): Pick<Finding, "kind" | "severity" | "step"> {
  if (state === "drifted")
    return { kind: "connection_drifted", severity: "bad", step: "Bring the records back as its page shows them; it recovers by itself." }
  if (state === "address_changed")
    return { kind: "connection_address", severity: "warn", step: "Change the records as it says; they are looked at by themselves." }
  if (state === "failed")
    return { kind: "connection_failed", severity: "bad", step: "Look at its timeline, mend what it says, and try it again." }
  if (state === "stalled") return { kind: "connection_stalled", severity: "warn", step: "Make the records that its page shows." }
  return { kind: "connection_waiting", severity: "warn", step: "Make the records that its page shows." }
}
