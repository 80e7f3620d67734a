import { createHash, randomBytes } from "node:crypto"
import type { PersonRow } from "../db/schema"
import { AppError } from "../errors"
import { type AdministrationStore, type Change, maxPeople } from "./administration-store"
import { parseName, parsePassword, parseUsername, randomId, seconds } from "./model"
import type { ResetLinks } from "./reset-links"
import type { AccountStore } from "./store"

/** One kind of thing that people own. `remove` is absent where the thing goes with the person's own row. */
export type Holding = {
  kind: string
  list: (personId: string) => Promise<{ id: string; name: string }[]>
  remove?: (personId: string, id: string) => Promise<void>
}

/** What administration needs of the rest of the house. */
export type AdministrationNeeds = {
  store: AdministrationStore
  accounts: AccountStore
  links: ResetLinks
  /** In the order in which they are removed. */
  holdings: Holding[]
  /** A person's sessions and tokens hold no longer: ends what was opened with them. */
  onStopped: (personId: string) => void
  now: () => number
}

/** A person as the administration API shows them; times are Unix seconds. */
export type PersonReply = {
  user_id: string
  username: string
  display_name: string
  role: "admin" | "user"
  is_admin: boolean
  disabled: boolean
  created_at: number
}

/** What goes when a person is deleted; `digest` confirms that exactly this was seen. */
export type DeletionPreview = {
  user_id: string
  username: string
  owns: { kind: string; count: number; items: { id: string; name: string }[] }[]
  digest: string
}

const removalRounds = 3

/** People, as administrators see to them: who exists, with which role, enabled or not, and what goes when one goes. */
export class Administration {
  constructor(private needs: AdministrationNeeds) {}

  /** Everybody, by username. */
  async list(): Promise<PersonReply[]> {
    return (await this.needs.store.people()).map(personReply)
  }

  async get(id: string): Promise<PersonReply> {
    return personReply(await this.person(id))
  }

  /** With the password given, or else with a one-time link at which the person chooses one. Throws `invalid` and `conflict`. */
  async create(input: Record<string, unknown>) {
    const { store, accounts, links, now } = this.needs
    const username = parseUsername(input.username)
    const displayName = isAbsent(input.display_name)
      ? username
      : parseName(input.display_name, "display_name is empty", "display_name is longer than 64 characters")
    const role = isAbsent(input.role) ? "user" : parseRole(input.role)
    const hasPassword = !isAbsent(input.password)
    // Nobody knows what the other one is a hash of.
    const password = hasPassword ? parsePassword(input.password) : randomBytes(32).toString("hex")
    if ((await store.count()) >= maxPeople) throw new AppError("conflict", `no more than ${maxPeople} people`)
    const passwordHash = await Bun.password.hash(password, "argon2id")
    const about = { id: randomId(), username, displayName, passwordHash, isAdmin: role === "admin" ? 1 : 0 }
    const row: PersonRow = { ...about, createdAt: now(), disabledAt: null }
    if (!(await accounts.insertPerson(row))) throw new AppError("conflict", "username already exists")
    return { ...personReply(row), ...(hasPassword ? {} : await links.create(row.id)) }
  }

  /** Their sessions end now and for good, their API tokens until they are enabled again. Throws `not_found` and `conflict`. */
  async disable(id: string): Promise<PersonReply> {
    done(await this.needs.store.disable(id, this.needs.now()), "disabled")
    this.needs.onStopped(id)
    return this.get(id)
  }

  async enable(id: string): Promise<PersonReply> {
    done(await this.needs.store.enable(id), "enabled")
    return this.get(id)
  }

  /** Holds from the person's next request on. Throws `invalid`, `not_found` and `conflict`. */
  async setRole(id: string, role: string): Promise<PersonReply> {
    done(await this.needs.store.setAdmin(id, parseRole(role) === "admin"), "demoted")
    return this.get(id)
  }

  /** A one-time link to a new password; an earlier one ends. The password and the sessions of now hold until it is used. */
  async reset(id: string) {
    const { username } = await this.person(id)
    return { user_id: id, username, ...(await this.needs.links.create(id)) }
  }

  /** Names and counts what a deletion would take along. */
  async preview(id: string): Promise<DeletionPreview> {
    const { username } = await this.person(id)
    const owns = await Promise.all(
      this.needs.holdings.map(async ({ kind, list }) => {
        const items = (await list(id)).map((item) => ({ id: item.id, name: item.name }))
        return { kind, count: items.length, items }
      }),
    )
    return { user_id: id, username, owns, digest: digestOf(id, owns) }
  }

  /**
   * Deletes a person and what they own, once `confirmation` is their username or the digest of what a preview showed. They are disabled first,
   * so that nothing is added meanwhile: where something cannot be removed they stay so, and the deletion can be asked for again.
   */
  async delete(callerId: string, id: string, confirmation: string) {
    const { store, onStopped, now } = this.needs
    const preview = await this.preview(id)
    if (id === callerId) throw new AppError("invalid", "cannot delete yourself")
    if (confirmation === "") throw new AppError("invalid", "confirm must be the username, or the digest of the preview of the deletion")
    if (confirmation !== preview.username && confirmation !== preview.digest)
      throw new AppError("conflict", "confirm is not the username, and what the person owns is not what the digest stands for: look again")
    done(await store.disable(id, now()), "deleted")
    onStopped(id)
    const removed = await this.removeHoldings(preview)
    done(await store.remove(id), "deleted")
    return { status: "ok", user_id: id, username: preview.username, removed }
  }

  /** How many of each kind went. What a request that was under way added meanwhile goes in another round. */
  private async removeHoldings({ user_id: personId, username, owns }: DeletionPreview): Promise<Record<string, number>> {
    const removed = Object.fromEntries(owns.map(({ kind, count }) => [kind, count]))
    for (const { kind, list, remove } of this.needs.holdings) {
      if (remove === undefined) continue
      let count = 0
      for (let round = 0; round < removalRounds; round++) {
        const items = await list(personId)
        if (items.length === 0) break
        for (const { id, name } of items) await orExplain(() => remove(personId, id), username, `${kind} ${name} (${id})`)
        count += items.length
      }
      removed[kind] = count
    }
    return removed
  }

  private async person(id: string): Promise<PersonRow> {
    const row = await this.needs.store.person(id)
    if (row === undefined) throw unknownPerson()
    return row
  }
}

const isAbsent = (value: unknown) => value === undefined || value === null || value === ""

const unknownPerson = () => new AppError("not_found", "user not found")

function parseRole(raw: unknown): "admin" | "user" {
  if (raw === "admin" || raw === "user") return raw
  throw new AppError("invalid", "role must be admin or user")
}

function done(change: Change, what: string): void {
  if (change === "unknown") throw unknownPerson()
  if (change === "last_admin") throw new AppError("conflict", `the last enabled administrator cannot be ${what}`)
}

function digestOf(id: string, owns: DeletionPreview["owns"]): string {
  const ids = owns.map(({ kind, items }) => [kind, items.map((item) => item.id).sort()])
  return createHash("sha256")
    .update(JSON.stringify([id, ids]))
    .digest("hex")
    .slice(0, 32)
}

/** What is gone already needs no removal; every other refusal says how things stand now. */
async function orExplain(work: () => Promise<void>, username: string, what: string): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === "not_found") return
    const stands = `${username} is disabled, but not deleted: ${what} could not be removed`
    throw new AppError(error.code, `${stands}: ${error.message}`, { cause: error })
  }
}

function personReply(row: PersonRow): PersonReply {
  return {
    user_id: row.id,
    username: row.username,
    display_name: row.displayName,
    role: row.isAdmin === 1 ? "admin" : "user",
    is_admin: row.isAdmin === 1,
    disabled: row.disabledAt !== null,
    created_at: seconds(row.createdAt),
  }
}
