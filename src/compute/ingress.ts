import type { ContainerRow, IngressRuleRow } from "../db/schema"
import { AppError } from "../errors"
import { isOuterPort, parseRule } from "./definition"
import { type Caller, containerHost } from "./model"
import type { ContainerStore } from "./store"

/** An ingress rule as the compute API shows it; `created_at` is in Unix seconds. */
export type RuleReply = { id: number; port: number; target_port: number; created_at: number; problem?: string }

export type IngressNeeds = {
  store: ContainerStore
  own: (caller: Caller, id: string) => Promise<ContainerRow>
  baseDomain: string
  now: () => number
  /** Routes changed; may resolve when that is live. */
  onChange: () => unknown
  /** A name may have a certificate from now on. */
  certify: (hostname: string) => void
  /** Why the edge cannot listen at a port; undefined while it can. */
  portProblem: (port: number) => string | undefined
}

/** Which ports of a container the world may reach, at `<id>.compute.<base>`. */
export class IngressRules {
  constructor(private needs: IngressNeeds) {}

  /** By port. Throws `not_found`. */
  async list(caller: Caller, id: string): Promise<{ rules: RuleReply[] }> {
    await this.needs.own(caller, id)
    return { rules: (await this.needs.store.rules.list(id)).map((rule) => this.reply(rule)) }
  }

  /** A second one for the same port changes the first. It is live, or says its problem, when this resolves. Throws `not_found` and `invalid`. */
  async put(caller: Caller, id: string, body: Record<string, unknown>): Promise<RuleReply> {
    await this.needs.own(caller, id)
    const { store, now, onChange, certify, baseDomain } = this.needs
    const rule = await store.rules.put({ ...parseRule(body), containerId: id, createdAt: now() })
    await onChange()
    certify(containerHost(id, baseDomain))
    return this.reply(rule)
  }

  /** Does nothing where there is none; the port is closed when this resolves. Throws `not_found` and `invalid`. */
  async delete(caller: Caller, id: string, port: string): Promise<void> {
    await this.needs.own(caller, id)
    if (!/^\d{1,5}$/.test(port) || !isOuterPort(Number(port))) throw new AppError("invalid", "invalid port")
    if (await this.needs.store.rules.delete(id, Number(port))) await this.needs.onChange()
  }

  /** Those of everybody, as the edge needs them. */
  async routes(): Promise<{ host: string; containerId: string; port: number; targetPort: number }[]> {
    const rules = await this.needs.store.rules.all()
    return rules.map(({ containerId, port, targetPort }) => ({
      host: containerHost(containerId, this.needs.baseDomain),
      containerId,
      port,
      targetPort,
    }))
  }

  private reply({ id, port, targetPort, createdAt }: IngressRuleRow): RuleReply {
    const problem = this.needs.portProblem(port)
    return { id, port, target_port: targetPort, created_at: Math.floor(createdAt / 1000), ...(problem === undefined ? {} : { problem }) }
  }
}
