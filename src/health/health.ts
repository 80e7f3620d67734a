// Three questions, as Kubernetes and load balancers ask them:
//   /livez    does the process answer at all (http/root.ts)? Nothing is looked at: what restarts it when it does not must not do so for a full disk
//   /readyz   may visitors be led here? What serving needs: that the start is over and the end has not begun, the store, the edge
//   /healthz  how is it? All of that, and what can fail while visitors are served: then it is `degraded`, and answers 200
// Anybody may ask, so what is found is kept for a second, and nothing in it names a person, a hostname or a path.

import { describeError } from "../errors"
import type { Log } from "../log"

export type HealthStatus = "ok" | "degraded" | "unavailable"

/** What one check found; `message` is one sentence. */
export type Finding = { status: HealthStatus; message: string }

/** One check. It is quick, or it counts as failed; one that is not `isRequired` for serving makes `degraded` of `unavailable`. */
export type HealthCheck = { name: string; isRequired: boolean; look: () => Finding | Promise<Finding> }

export type HealthReply = { status: HealthStatus; checks: Record<string, Finding> }

export type HealthNeeds = { checks: readonly HealthCheck[]; log: Log; now: () => number; keptMs?: number; limitMs?: number }

const weights: readonly HealthStatus[] = ["ok", "degraded", "unavailable"]

const phases = {
  starting: { status: "unavailable", message: "Freehold is starting." },
  up: { status: "ok", message: "Freehold is up." },
  draining: { status: "unavailable", message: "Freehold is stopping, and finishes the requests under way." },
} satisfies Record<string, Finding>

/** How the appliance is. */
export class Health {
  /** Where the process is in its life. */
  phase: keyof typeof phases = "starting"
  private found: { at: number; reply: Promise<Record<string, Finding>> } | undefined
  private said = new Map<string, HealthStatus>()

  constructor(private needs: HealthNeeds) {}

  /** Everything. */
  all(): Promise<HealthReply> {
    return this.reply(() => true)
  }

  /** What serving needs, alone. */
  readiness(): Promise<HealthReply> {
    const required = new Set(this.needs.checks.filter(({ isRequired }) => isRequired).map(({ name }) => name))
    return this.reply((name) => required.has(name))
  }

  private async reply(isAsked: (name: string) => boolean): Promise<HealthReply> {
    const found = Object.entries(await this.look()).filter(([name]) => isAsked(name))
    // The phase is told as it is now.
    const checks: Record<string, Finding> = { process: phases[this.phase], ...Object.fromEntries(found) }
    const status = Object.values(checks).reduce<HealthStatus>((worst, { status }) => heavier(worst, status), "ok")
    return { status, checks }
  }

  private look(): Promise<Record<string, Finding>> {
    const { now, keptMs = 1000, checks } = this.needs
    if (this.found !== undefined && Math.abs(now() - this.found.at) < keptMs) return this.found.reply
    const reply = Promise.all(checks.map(async (check) => [check.name, await this.lookAt(check)] as const)).then(Object.fromEntries)
    this.found = { at: now(), reply }
    return reply
  }

  private async lookAt({ name, isRequired, look }: HealthCheck): Promise<Finding> {
    const { limitMs = 1000, log } = this.needs
    const late = Promise.withResolvers<Finding>()
    const timer = setTimeout(() => late.resolve({ status: "unavailable", message: "The check did not end in time." }), limitMs)
    let finding: Finding
    try {
      finding = await Promise.race([look(), late.promise])
    } catch (error) {
      log.error("a health check failed", { check: name, error: describeError(error) })
      finding = { status: "unavailable", message: "The check itself failed; the log says why." }
    } finally {
      clearTimeout(timer)
    }
    if (!isRequired && finding.status === "unavailable") finding = { ...finding, status: "degraded" }
    this.note(name, finding)
    return finding
  }

  /** Once for each change. */
  private note(name: string, { status, message }: Finding): void {
    const before = this.said.get(name) ?? "ok"
    this.said.set(name, status)
    if (status === before) return
    if (status === "ok") this.needs.log.info("a health check is well again", { check: name })
    else this.needs.log.warn("a health check is not well", { check: name, status, found: message })
  }
}

const heavier = (a: HealthStatus, b: HealthStatus) => (weights.indexOf(b) > weights.indexOf(a) ? b : a)
