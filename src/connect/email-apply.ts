import type { ConnectionRow } from "../db/connect-schema"
import { AppError } from "../errors"
import type { Connections } from "./connections"
import { type DnsRecord, invalid, type Principal } from "./model"
import type { ConnectNeeds } from "./needs"

/** Records for a domain's mail: those that may be written, and those that people have to. */
export type EmailPlan = { written: DnsRecord[]; manual: DnsRecord[]; notes: string[] }

const limitMs = 30_000

/** `email:apply`: a domain's mail records, written where that is safe (connect-api.md section 11). */
export class EmailApply {
  constructor(
    private needs: Pick<ConnectNeeds, "credentials" | "delegatedZone" | "place" | "note" | "wrote">,
    private connections: Connections,
    private plan: (body: Record<string, unknown>) => Promise<EmailPlan>,
  ) {}

  /** Throws `invalid` for another domain than the connection's own or the one it is registered under, and `conflict` before the name is proved. */
  async apply(principal: Principal, id: string, body: Record<string, unknown>) {
    const row = await this.connections.own(principal, id)
    if (row.proof === null) throw new AppError("conflict", "the name is not proved yet: publish the ownership record first")
    const { apex } = await this.needs.place(row.hostname)
    const domain = body.domain === undefined || body.domain === null ? apex : String(body.domain).toLowerCase().replace(/\.$/, "")
    if (domain !== apex && domain !== row.hostname) throw invalid(`domain must be ${row.hostname} or ${apex}, the connection's own`)
    const { written, manual, notes } = await this.plan({ ...body, domain })
    const problem = written.length === 0 ? undefined : await this.write(row, domain, written)
    const done = problem === undefined ? written : []
    if (done.length > 0)
      this.needs.note(row, "record", `email records written: ${done.map(({ host, type }) => `${host} ${type}`).join(", ")}`)
    return {
      applied: done.length > 0,
      domain,
      provider: body.provider,
      written_records: done,
      manual_records: problem === undefined ? manual : [...written, ...manual],
      notes: problem === undefined ? notes : [...notes, problem],
    }
  }

  /** By the first credential that edits the zone which the parent delegates; why not, where none did. */
  private async write(row: ConnectionRow, domain: string, records: DnsRecord[]): Promise<string | undefined> {
    const signal = AbortSignal.timeout(limitMs)
    const zone = await this.needs.delegatedZone(domain)
    let problem = "there is no DNS credential for this domain, so every record has to be entered by hand"
    for (const credential of await this.needs.credentials.opened(row.applicationId)) {
      try {
        const editable = await credential.edit.zoneOf(domain, signal)
        if (editable === undefined || editable !== zone) continue
        await this.needs.credentials.inTurn(credential.id, () => credential.edit.write(editable, records, signal))
        await this.needs.credentials.noteUse(credential.id, undefined)
        await this.needs.wrote(
          row,
          editable,
          credential,
          records.map((record) => Object.assign({ purpose: "email" as const }, record)),
        )
        return undefined
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        problem = `the records could not be written: ${error.message}`
        await this.needs.credentials.noteUse(credential.id, error.message)
      }
    }
    return problem
  }
}
