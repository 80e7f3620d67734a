import type { CloseReason, Options, Step } from "./options"

/** What is known of the flow when something is told. */
export type Standing = {
  domain: string | null
  provider: string | null
  jobId: string | null
  setupType: string | null
  lastStatus: string | null
  succeeded: boolean
}

/** Tells the page: a CustomEvent of its window first, then the callback. What a callback throws is the page's own and stops nothing here. */
export class Events {
  constructor(private options: Pick<Options, "onStep" | "onSuccess" | "onClose">) {}

  step({ domain, provider, jobId }: Standing, step: Step): void {
    const detail = { domain, provider, step, jobId }
    this.tell("connectdomain:step", detail, () => this.options.onStep?.(detail))
  }

  success({ domain, provider, jobId, setupType }: Standing): void {
    const result = { id: jobId ?? "", domain: domain ?? "" }
    this.tell("connectdomain:success", { domain, success: true, setupType, provider, jobId }, () => this.options.onSuccess?.(result))
  }

  close({ domain, provider, jobId, setupType, lastStatus, succeeded }: Standing, reason: CloseReason): void {
    const detail = { domain, success: succeeded, setupType, provider, lastStatus, jobId, reason }
    this.tell("connectdomain:close", detail, () => this.options.onClose?.({ id: jobId, domain, succeeded }))
  }

  private tell(name: string, detail: object, call: () => unknown): void {
    window.dispatchEvent(new CustomEvent(name, { detail }))
    try {
      call()
    } catch (error) {
      reportError(error)
    }
  }
}
