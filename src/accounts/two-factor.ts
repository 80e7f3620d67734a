import { AppError } from "../errors"
import type { People } from "./people"
import type { RecoveryCodes } from "./recovery-codes"
import type { Totp } from "./totp"
import type { TwoFactorStore } from "./two-factor-store"

/** The second factors of a person as their settings show and change them; security keys have a class of their own. */
export class TwoFactor {
  constructor(
    private people: People,
    private store: TwoFactorStore,
    private totp: Totp,
    private recoveryCodes: RecoveryCodes,
  ) {}

  async status(personId: string) {
    const [enabled, keys, totp, left] = await Promise.all([
      this.store.hasSecondFactor(personId),
      this.store.keys(personId),
      this.totp.isOn(personId),
      this.recoveryCodes.left(personId),
    ])
    return { enabled, keys: keys.length, totp, recovery_codes_left: left }
  }

  beginTotp(person: { personId: string; username: string }) {
    return this.totp.begin(person)
  }

  /** Who has no recovery codes yet gets them here, with the factor whose loss they are for. */
  async finishTotp(personId: string, input: Record<string, unknown>) {
    await this.totp.finish(personId, input)
    if ((await this.recoveryCodes.left(personId)) > 0) return { status: "ok" }
    return { status: "ok", recovery_codes: await this.recoveryCodes.renew(personId) }
  }

  /** Needs the password, so that a session left open on a desk cannot take the protection away. */
  async removeTotp(personId: string, input: Record<string, unknown>, address: string) {
    await this.people.confirmPassword(personId, input.current_password, address)
    await this.totp.remove(personId)
    return { status: "ok" }
  }

  /** For an administrator to help somebody who has lost everything: their password alone is enough again. Throws `not_found`. */
  async removeAll(personId: string) {
    if (!(await this.store.clear(personId))) throw new AppError("not_found", "there is no such user with a second factor")
    return { status: "ok" }
  }

  /** Needs the password and a second factor; the earlier codes end. */
  async renewRecoveryCodes(personId: string, input: Record<string, unknown>, address: string) {
    await this.people.confirmPassword(personId, input.current_password, address)
    if (!(await this.store.hasSecondFactor(personId))) {
      throw new AppError("conflict", "recovery codes are for a second factor: set one up first")
    }
    return { recovery_codes: await this.recoveryCodes.renew(personId) }
  }
}
