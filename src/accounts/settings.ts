import { AppError } from "../errors"
import { type Principal, parseName, parsePassword } from "./model"
import { type People, wrongPassword } from "./people"
import type { SessionStore } from "./sessions-store"

/** What a signed-in person changes about their own account. */
export class Settings {
  constructor(
    private people: People,
    private store: SessionStore,
  ) {}

  /** `{display_name}`, 1 to 64 characters. */
  async changeProfile(person: Principal, input: Record<string, unknown>) {
    const displayName = parseName(input.display_name, "display name required", "display name too long (max 64 characters)")
    if (/\p{Cc}/u.test(displayName)) throw new AppError("invalid", "display name must not hold control characters")
    await this.store.setDisplayName(person.personId, displayName)
    return { username: person.username, display_name: displayName, user_id: person.personId }
  }

  /** `{current_password, new_password}`. All other sessions end, and so do logins that have shown only the old password. */
  async changePassword(person: Principal & { kind: "session" }, input: Record<string, unknown>, address: string): Promise<void> {
    const password = parsePassword(input.new_password)
    const { passwordHash: from } = await this.people.confirmPassword(person.personId, input.current_password, address)
    const change = { from, to: await Bun.password.hash(password, "argon2id"), keptId: person.sessionId ?? "" }
    if (!(await this.store.setPassword(person.personId, change))) throw wrongPassword()
  }
}
