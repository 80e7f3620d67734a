import type { ConnectionRow } from "../db/connect-schema"
import type { Delegation } from "./delegation"
import type { DnsRecord } from "./model"
import type { ConnectNeeds, FormerAddress, RecordReport } from "./needs"

/** What a connection shows while its records lead to an address that was ours. */
export const addressChanged = "address_changed"

const pageSize = 100

/** Records after our own address has changed: those that we can write follow it, and of the others their owners are told, who have done nothing wrong. */
export class AddressChange {
  constructor(
    private needs: ConnectNeeds,
    private delegation: Pick<Delegation, "write">,
  ) {}

  /** Brings every connection that wants a former address to its successor. One that fails is left as it is, for the next time. */
  async follow(former: FormerAddress[], signal: AbortSignal): Promise<void> {
    for (const { address, successor } of former) {
      if (successor === undefined) continue
      for (let after = ""; ;) {
        const rows = await this.needs.store.wanting(address, after, pageSize)
        for (const row of rows) if (!signal.aborted) await this.bring(row, former)
        const last = rows.at(-1)
        if (last === undefined || rows.length < pageSize || signal.aborted) break
        after = last.id
      }
    }
  }

  /** Whether all that is wrong with the records is that they lead to an address that was ours, of which they are not to blame. */
  isOurs(wrong: RecordReport[]): boolean {
    const former = new Set(this.needs.formerAddresses().map(({ address }) => address))
    return wrong.length > 0 && former.size > 0 && wrong.every((report) => leadsTo(report, former))
  }

  /** Says what is to be changed, once, and keeps the connection as it is. */
  async wait(row: ConnectionRow, wrong: RecordReport[]): Promise<ConnectionRow> {
    if (await this.needs.credentials.has(row.applicationId)) {
      // What could not be written before, or was cut short.
      const unwritten = await this.delegation.write(row)
      if (unwritten === undefined) return row
    }
    const detail = this.sentence(wrong)
    if (row.errorCode === addressChanged && row.errorDetail === detail && row.misses === 0) return row
    const change = { misses: 0, drift: null, errorCode: addressChanged, errorDetail: detail }
    const after = await this.needs.store.change(row.id, ["live"], change)
    if (after !== undefined && row.errorDetail !== detail) this.needs.note(after, "dns", detail)
    return after ?? row
  }

  private async bring(row: ConnectionRow, former: FormerAddress[]): Promise<void> {
    const { store, note, now, log, credentials } = this.needs
    const before = JSON.parse(row.desiredRecords) as DnsRecord[]
    const successors = new Map(
      former.flatMap(({ address, leftAt, successor }) => (successor === undefined ? [] : [[address, { leftAt, successor }]])),
    )
    const moved: string[] = []
    const records = before.map((record) => {
      const next = isAddress(record) ? successors.get(record.value) : undefined
      if (next === undefined) return record
      moved.push(`${record.host} ${record.type} from ${record.value} to ${next.successor}, at ${minute(next.leftAt)}`)
      return Object.assign(structuredClone(record), { value: next.successor })
    })
    if (moved.length === 0) return
    try {
      const after = await store.change(row.id, [row.state], { desiredRecords: JSON.stringify(records), nextCheckAt: now() })
      if (after === undefined) return
      note(after, "record", `our address changed, and the records with it: ${moved.join("; ")}`)
      if (after.proof === null || !(await credentials.has(after.applicationId))) return
      await this.delegation.write(after)
    } catch (error) {
      log.warn("the records of a connection did not follow our address", { connection: row.id, domain: row.hostname, error })
    }
  }

  private sentence(wrong: RecordReport[]): string {
    const former = new Map(this.needs.formerAddresses().map((one) => [one.address, one]))
    return wrong
      .map((report) => {
        const { record } = report
        const old = valuesOf(report).find((value) => former.has(value)) ?? ""
        const since = minute(former.get(old)?.leftAt ?? this.needs.now())
        return `our address changed at ${since}: change the ${record.type} record of ${record.host} from ${old} to ${record.value}`
      })
      .join("; ")
  }
}

const isAddress = ({ type }: DnsRecord) => type === "A" || type === "AAAA"

const valuesOf = ({ authorities }: RecordReport) =>
  authorities.filter(({ outcome }) => outcome === "answer").flatMap(({ values }) => values)

/** Every server that says anything says a former address of ours, or the one that we have; a record that is gone is somebody's doing. */
function leadsTo(report: RecordReport, former: ReadonlySet<string>): boolean {
  const { record, authorities } = report
  if (!isAddress(record) || authorities.some(({ outcome }) => outcome === "nodata" || outcome === "nxdomain")) return false
  const values = valuesOf(report)
  return values.some((value) => former.has(value)) && values.every((value) => former.has(value) || value === record.value)
}

/** A moment to the minute, UTC. */
const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`
