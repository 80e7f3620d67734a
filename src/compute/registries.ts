import { randomBytes } from "node:crypto"
import type { RegistryCredentialRow } from "../db/schema"
import { EngineFault } from "../engine/faults"
import type { RegistryLogin } from "../engine/model"
import { AppError, describeError } from "../errors"
import type { Caller } from "./model"
import type { ContainerStore } from "./store"

/** Seals secrets for the store, and opens them again; `place` names the row. */
export type Sealer = { seal: (plain: string, place: string) => string; open: (sealed: string, place: string) => string }

/** Credentials of a private registry as the compute API shows them: never with the password. */
export type RegistryReply = { id: string; registry: string; username: string; created_at: string }

const maxCredentials = 20
const publicRegistry = "docker.io"

/** What people log in to private registries with; a container's image is fetched with its owner's. */
export class Registries {
  constructor(
    private store: ContainerStore,
    private vault: Sealer,
    private now: () => number,
  ) {}

  async list({ personId }: Caller): Promise<{ registries: RegistryReply[] }> {
    return { registries: (await this.store.registries.list(personId)).map(reply) }
  }

  /** Throws `invalid`, and `conflict` for a registry that the caller has credentials for, or past twenty. */
  async add({ personId }: Caller, body: Record<string, unknown>): Promise<RegistryReply> {
    const registry = parseRegistry(body.registry)
    const username = text("username", body.username, 256)
    const password = text("password", body.password, 4096)
    if ((await this.store.registries.list(personId)).length >= maxCredentials)
      throw new AppError("conflict", `no more than ${maxCredentials} registries`)
    const id = `reg_${randomBytes(8).toString("hex")}`
    const sealedPassword = this.vault.seal(password, place(id))
    const row = { id, personId, registry, username, sealedPassword, createdAt: this.now() }
    if (!(await this.store.registries.insert(row))) throw new AppError("conflict", `there are credentials for ${registry} already`)
    return reply(row)
  }

  /** Throws `not_found`. */
  async delete({ personId }: Caller, id: string): Promise<void> {
    if (!(await this.store.registries.delete(personId, id))) throw new AppError("not_found", "registry not found")
  }

  /** What to fetch the image with; undefined where the person has nothing for its registry. Throws EngineFault when it does not open. */
  login = async (personId: string, image: string): Promise<RegistryLogin | undefined> => {
    const registry = registryOf(image)
    const row = await this.store.registries.find(personId, registry)
    if (row === undefined) return undefined
    try {
      return { registry, username: row.username, password: this.vault.open(row.sealedPassword, place(row.id)) }
    } catch (error) {
      throw new EngineFault(`the stored password for ${registry} cannot be read (${describeError(error)}): store it anew`, undefined)
    }
  }
}

/** Where an image is fetched from, as its reference says. */
export function registryOf(image: string): string {
  const [first = "", ...more] = image.split("/")
  return more.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first.toLowerCase() : publicRegistry
}

const place = (id: string) => `registry_credentials/${id}`

const reply = ({ id, registry, username, createdAt }: RegistryCredentialRow): RegistryReply => ({
  id,
  registry,
  username,
  created_at: new Date(createdAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
})

function parseRegistry(raw: unknown): string {
  const registry = typeof raw === "string" ? raw.trim().toLowerCase() : ""
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/.test(registry))
    throw new AppError("invalid", "registry must be a host such as ghcr.io or registry.lan:5000")
  return registry
}

function text(field: string, raw: unknown, max: number): string {
  if (typeof raw !== "string" || raw === "") throw new AppError("invalid", `${field} is required`)
  if (raw.length > max) throw new AppError("invalid", `${field} is longer than ${max} characters`)
  return raw
}
