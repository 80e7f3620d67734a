import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { AdministrationStore } from "./administration-store"
import { parsePassword, seconds } from "./model"
import { hashToken } from "./signer"

const linkMs = 24 * 3_600_000

/** One-time links at which a person chooses a new password: kept as hashes, over after 24 hours or when used. */
export class ResetLinks {
  constructor(
    private store: AdministrationStore,
    private now: () => number = Date.now,
  ) {}

  /** The path of a new link, which stands in this answer and nowhere else. Throws `not_found`. */
  async create(personId: string): Promise<{ link: string; link_expires_at: number }> {
    const secret = randomBytes(24).toString("base64url")
    const expiresAt = this.now() + linkMs
    if (!(await this.store.replaceResetLink(hashToken(secret), personId, expiresAt))) throw new AppError("not_found", "user not found")
    return { link: `/reset/${secret}`, link_expires_at: seconds(expiresAt) }
  }

  /** Whose new password it is for, or undefined when the link is over. */
  async owner(secret: string): Promise<string | undefined> {
    return (await this.store.resetLink(hashToken(secret), this.now()))?.username
  }

  /** Sets the password in `input` and ends the person's sessions; nobody is signed in by it. Throws `invalid` and `not_found`. */
  async use(secret: string, input: unknown): Promise<{ status: "ok"; user_id: string; username: string }> {
    // Before the costly hash, which nobody shall ask for without a link.
    if ((await this.owner(secret)) === undefined) throw over()
    const password = parsePassword(((input ?? {}) as { password?: unknown }).password)
    const person = await this.store.useResetLink(hashToken(secret), this.now(), await Bun.password.hash(password, "argon2id"))
    if (person === undefined) throw over()
    return { status: "ok", user_id: person.id, username: person.username }
  }
}

const over = () => new AppError("not_found", "this link is unknown, used or older than 24 hours: an administrator makes a new one")
