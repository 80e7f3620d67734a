import { AppError } from "../errors"
import { type Caller, parseName } from "./model"
import { parsePublicKey, type SshKeyReply, sshKeyReply } from "./ssh-key"
import type { SshContainerRow, SshStore } from "./ssh-store"

/** What SSH needs of the rest of the house. */
export type SshNeeds = {
  store: SshStore
  now: () => number
  /** Something was taken away: ask of every login whether it still holds. */
  onTaken: () => void
  /** How a container is reached, as `ssh` takes it; undefined while the gateway does not listen. */
  command: (containerId: string) => string | undefined
}

/** The switch of a container as the compute API shows it. */
export type SshSwitchReply = { ssh_enabled: boolean; ssh_command?: string }

/** Who may do what in which container, for as long as `SshService.authorize` says so. */
export type SshGrant = {
  personId: string
  containerId: string
  /** The engine's own id of the container. */
  engineId: string
  /** The container's own address, which forwarded ports lead to. */
  address: string | undefined
  /** The user inside that was asked for; undefined leaves it to the container. */
  user: string | undefined
  /** The key in OpenSSH's form. */
  publicKey: string
}

export type SshDecision = { grant: SshGrant } | { refusal: string; containerId?: string }

const keyLimit = 10

/** People's SSH keys, the switch of each container, and what the gateway asks at each login. */
export class SshService {
  constructor(private needs: SshNeeds) {}

  /** The caller's keys, the newest first. */
  async list(caller: Caller): Promise<SshKeyReply[]> {
    return (await this.needs.store.keys(caller.personId)).map(sshKeyReply)
  }

  /** Throws `invalid` for a bad name or key and past ten keys, and `conflict` for a key that the caller has already. */
  async add(caller: Caller, body: Record<string, unknown>): Promise<SshKeyReply> {
    const { store, now } = this.needs
    const name = parseName(body.name)
    const { line, fingerprint } = parsePublicKey(body.public_key)
    const row = await store.insert({ personId: caller.personId, name, publicKey: line, fingerprint, createdAt: now() }, keyLimit)
    if (row === "limit") throw new AppError("invalid", `SSH key limit reached (${keyLimit})`)
    if (row === "duplicate") throw new AppError("conflict", "this SSH key is there already")
    return sshKeyReply(row)
  }

  /** Throws `invalid` for what is no id, and `not_found`. */
  async delete(caller: Caller, id: string): Promise<void> {
    if (!/^[1-9]\d{0,14}$/.test(id)) throw new AppError("invalid", "invalid id")
    if (!(await this.needs.store.delete(caller.personId, Number(id)))) throw new AppError("not_found", "SSH key not found")
    this.needs.onTaken()
  }

  /** Throws `not_found`, for a container of somebody else too. */
  async status(caller: Caller, containerId: string): Promise<SshSwitchReply> {
    return this.reply(await this.own(caller, containerId))
  }

  /** Opens or closes the container for SSH, in any status; a missing field closes it. Throws `not_found` and `invalid`. */
  async switch(caller: Caller, containerId: string, body: Record<string, unknown>): Promise<SshSwitchReply> {
    const enabled = body.ssh_enabled ?? body.enable_ssh ?? false
    if (typeof enabled !== "boolean") throw new AppError("invalid", "invalid request body: ssh_enabled must be true or false")
    const row = await this.own(caller, containerId)
    if (enabled && row.kind === "external") throw new AppError("invalid", "ssh_enabled: an external container has no SSH here")
    if (!(await this.needs.store.switchSsh(caller.personId, containerId, enabled))) throw notFound()
    if (!enabled) this.needs.onTaken()
    return this.reply({ ...row, sshEnabled: enabled ? 1 : 0 })
  }

  /**
   * Whether the owner of a key may log in under a name: the container's id, or `user.id` for a user inside. The same two questions are put
   * to the store whatever the answer, so that its time tells nothing.
   */
  async authorize(login: string, fingerprint: string): Promise<SshDecision> {
    const dot = login.lastIndexOf(".")
    const [user, id] = dot < 0 ? [undefined, login] : [login.slice(0, dot), login.slice(dot + 1)]
    const row = await this.needs.store.container(id)
    const key = await this.needs.store.find(row?.personId ?? "", fingerprint)
    const refuse = (refusal: string) => ({ refusal, ...(row && { containerId: row.id }) })
    if (row === undefined) return refuse("no such container")
    if (key === undefined) return refuse("not a key of the container's owner")
    if (row.disabledAt !== null) return refuse("the container's owner is disabled")
    if (user !== undefined && !/^[a-z0-9_][a-z0-9_.-]{0,31}$/i.test(user)) return refuse("not the name of a user")
    if (row.sshEnabled !== 1) return refuse("SSH is switched off for the container")
    if (row.kind !== "engine" || row.engineId === null) return refuse("the container is not one of the engine")
    if (row.status !== "running") return refuse(`the container is ${row.status}`)
    const { engineId, address, personId } = row
    return { grant: { personId, containerId: row.id, engineId, address: address ?? undefined, user, publicKey: key.publicKey } }
  }

  private async own(caller: Caller, id: string): Promise<SshContainerRow> {
    const row = await this.needs.store.container(id)
    if (row?.personId !== caller.personId) throw notFound()
    return row
  }

  private reply(row: SshContainerRow): SshSwitchReply {
    const command = row.sshEnabled === 1 ? this.needs.command(row.id) : undefined
    return { ssh_enabled: row.sshEnabled === 1, ...(command && { ssh_command: command }) }
  }
}

const notFound = () => new AppError("not_found", "container not found")
