/**
 * `denied`, `rate_limited`, `server_error`: the answer of that name, and nothing is done. `broken`: the connection ends without an answer and nothing
 * is done. `cut`: it is done, and then the connection ends without an answer. `silent`: nothing is done and nothing ever comes.
 */
export type StandInFault = "denied" | "rate_limited" | "server_error" | "broken" | "cut" | "silent"

/** Which calls meet a fault. */
export class FaultPlan<Call> {
  private fault: { kind: StandInFault; afterWrites: number | undefined; met: boolean } | undefined

  /** `isWrite` says of a call whether it would change records. */
  constructor(private isWrite: (call: Call) => boolean) {}

  /** Every call meets the fault, until `heal`; with `afterWrites` only the one write that comes after so many others. */
  fail = (kind: StandInFault, options: { afterWrites?: number } = {}): void => {
    this.fault = { kind, afterWrites: options.afterWrites, met: false }
  }

  /** Ends the fault; false where no call has met it. */
  heal = (): boolean => {
    const met = this.fault?.met ?? false
    this.fault = undefined
    return met
  }

  /** The fault that this call meets. */
  meet(call: Call): StandInFault | undefined {
    const fault = this.fault
    if (fault === undefined) return undefined
    if (fault.afterWrites !== undefined && (!this.isWrite(call) || fault.afterWrites-- !== 0)) return undefined
    fault.met = true
    return fault.kind
  }
}
