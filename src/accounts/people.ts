import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { PersonRow } from "../db/schema"
import type { LoginLimit } from "./login-limit"
import { parsePassword, parseUsername, randomId } from "./model"
import { hashToken, type Signer } from "./signer"
import type { AccountStore } from "./store"

const sessionMs = 24 * 3_600_000
const setupLinkMs = 24 * 3_600_000

/** What a login answers; field names are the auth API's. */
export type LoginReply = { username: string; display_name: string; user_id: string; is_admin: boolean; token: string }

/** Hears whose account a login is for, as soon as that is known. */
export type Tried = (person: { user_id: string; username: string }) => void

/** People: the first one, their passwords (argon2id) and their sessions. */
export class People {
  private decoy: Promise<string> | undefined

  constructor(
    private store: AccountStore,
    private signer: Signer,
    private limit: LoginLimit,
    private now: () => number = Date.now,
    private hashing: Bun.Password.Argon2Algorithm = { algorithm: "argon2id" },
  ) {}

  /**
   * Whose name and password these are. Throws `unauthorized` alike for an unknown person and a wrong password, in the same time. `address`
   * is the peer's; `tried` hears at whose account the attempt is, unless it is refused for its number.
   */
  async identify(input: unknown, address: string, tried: Tried = () => undefined): Promise<PersonRow> {
    const { username: rawName, password } = (input ?? {}) as { username?: unknown; password?: unknown }
    const username = typeof rawName === "string" ? rawName.trim() : ""
    if (username === "" || typeof password !== "string" || password === "") throw new AppError("invalid", "username and password required")
    this.limit.take(address, username)
    const row = await this.store.personByUsername(username)
    if (row !== undefined) tried({ user_id: row.id, username: row.username })
    // Unknown names are checked against a hash of nothing, so that the answer takes as long; known ones wait for it too while it is being made.
    this.decoy ??= Bun.password.hash(randomBytes(16).toString("hex"), this.hashing)
    const decoy = await this.decoy
    const matches = await Bun.password.verify(password.slice(0, 1024), row?.passwordHash ?? decoy)
    if (row === undefined || row.disabledAt !== null || !matches) throw new AppError("unauthorized", "invalid credentials")
    return row
  }

  /**
   * Starts a session of somebody who has shown all that was asked of them. Throws `unauthorized` when they are gone or disabled, or when
   * their password is no longer the one of `passwordHash`.
   */
  async signIn(personId: string, address: string, passwordHash?: string): Promise<LoginReply> {
    const row = await this.store.personById(personId)
    if (row === undefined || row.disabledAt !== null || row.passwordHash !== (passwordHash ?? row.passwordHash)) {
      throw new AppError("unauthorized", "invalid credentials")
    }
    return this.startSession(row, address)
  }

  /** Asks a signed-in person for their password once more; wrong ones count as attempts to log in. Answers the hash that was compared. */
  async confirmPassword(personId: string, password: unknown, address: string): Promise<{ passwordHash: string }> {
    const row = await this.store.personById(personId)
    if (row === undefined) throw new AppError("unauthorized", "unauthorized")
    this.limit.take(address, row.username)
    const matches =
      typeof password === "string" && password !== "" && (await Bun.password.verify(password.slice(0, 1024), row.passwordHash))
    if (!matches) throw wrongPassword()
    return { passwordHash: row.passwordHash }
  }

  /** Ends the session a token belongs to; says nothing about tokens that are none. */
  async logout(sessionId: string | undefined): Promise<void> {
    if (sessionId !== undefined) await this.store.deleteSession(sessionId)
  }

  /** The secret of a fresh one-time set-up link, or undefined once a person exists. An earlier link ends. */
  async setupSecret(): Promise<string | undefined> {
    if (await this.store.hasPeople()) return undefined
    const secret = randomBytes(24).toString("base64url")
    await this.store.replaceSetupLink(hashToken(secret), this.now() + setupLinkMs)
    return secret
  }

  isSetupSecret(secret: string): Promise<boolean> {
    return this.store.hasSetupLink(hashToken(secret), this.now())
  }

  /** Makes the first person, an administrator, and signs them in. The link works once. */
  async setUp(secret: string, input: unknown, address: string): Promise<LoginReply> {
    // Before the costly hash, which nobody shall ask for without a link.
    if (!(await this.isSetupSecret(secret))) throw overSetupLink()
    const { username, password } = (input ?? {}) as { username?: unknown; password?: unknown }
    const row = await this.newPerson(parseUsername(username), parsePassword(password), true)
    if (!(await this.store.insertFirstPerson(row, hashToken(secret), this.now()))) throw overSetupLink()
    return this.startSession(row, address)
  }

  /** Makes an administrator where nobody exists yet; false where somebody does. Used for `FREEHOLD_ADMIN_*`. */
  async createFirst(username: string, password: string): Promise<boolean> {
    if (await this.store.hasPeople()) return false
    return this.store.insertPerson(await this.newPerson(parseUsername(username), parsePassword(password), true))
  }

  /** Makes a person without administration rights; throws `conflict` when the name is taken. */
  async create(username: string, password: string): Promise<string> {
    const row = await this.newPerson(parseUsername(username), parsePassword(password), false)
    if (!(await this.store.insertPerson(row))) throw new AppError("conflict", "username already exists")
    return row.id
  }

  private async newPerson(username: string, password: string, isAdmin: boolean): Promise<PersonRow> {
    const passwordHash = await Bun.password.hash(password, this.hashing)
    return {
      id: randomId(),
      username,
      displayName: username,
      passwordHash,
      isAdmin: isAdmin ? 1 : 0,
      createdAt: this.now(),
      disabledAt: null,
    }
  }

  private async startSession(row: PersonRow, address: string): Promise<LoginReply> {
    const now = this.now()
    const id = randomBytes(16).toString("hex")
    const session = { id, personId: row.id, address, createdAt: now, expiresAt: now + sessionMs }
    if (!(await this.store.insertSession(session, row.passwordHash))) throw new AppError("unauthorized", "invalid credentials")
    const about = { username: row.username, display_name: row.displayName, user_id: row.id, is_admin: row.isAdmin === 1 }
    const token = await this.signer.sign({ ...about, type: "", sid: id, sub: row.username }, now + sessionMs)
    return { ...about, token }
  }
}

/** What a person hears whose password of now is another. */
export const wrongPassword = () => new AppError("unauthorized", "current password is incorrect")

const overSetupLink = () =>
  new AppError("not_found", "this set-up link is unknown, used or older than 24 hours: a restart prints a new one while nobody is set up")
