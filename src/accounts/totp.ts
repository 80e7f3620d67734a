import { Secret, TOTP } from "otpauth"
import { AppError } from "../errors"
import type { Vault } from "../vault"
import type { TwoFactorStore } from "./two-factor-store"

const periodSeconds = 30
const digits = 6

/** Codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds, one step to either side), one app a person. */
export class Totp {
  /** `issuer` is what the app shows beside the person's name. */
  constructor(
    private store: TwoFactorStore,
    private vault: Vault,
    private issuer: string,
    private now: () => number = Date.now,
  ) {}

  /** A new secret, as base32 and as the address of a QR code; it counts for nothing until `finish`. Throws `conflict` when an app is set up. */
  async begin(person: { personId: string; username: string }) {
    const { personId, username } = person
    const secret = new Secret({ size: 20 })
    const sealedSecret = this.vault.seal(secret.base32, place(personId))
    const row = { personId, sealedSecret, lastStep: 0, createdAt: this.now(), confirmedAt: null }
    if (!(await this.store.proposeTotp(row))) {
      throw new AppError("conflict", "an authenticator app is already set up: remove it first")
    }
    const uri = new TOTP({ issuer: this.issuer, label: username, secret, digits, period: periodSeconds }).toString()
    return { secret: secret.base32, uri }
  }

  /** Turns the proposed secret on by the first code it makes. Throws `invalid` for a wrong code and when nothing is proposed. */
  async finish(personId: string, input: Record<string, unknown>): Promise<void> {
    const row = await this.store.totp(personId)
    if (row === undefined || row.confirmedAt !== null) throw new AppError("invalid", "no authenticator app is being set up")
    const step = this.stepOf(row, input.code)
    if (step === undefined) throw new AppError("invalid", "code does not match: check the clock of the device")
    if (!(await this.store.confirmTotp(row, step, this.now()))) throw new AppError("invalid", "no authenticator app is being set up")
  }

  /** Whether this is a code of now that was not used before; it is used by this. */
  async isProof(personId: string, code: unknown): Promise<boolean> {
    const row = await this.store.totp(personId)
    if (row === undefined || row.confirmedAt === null) return false
    const step = this.stepOf(row, code)
    return step !== undefined && this.store.useTotpStep(personId, step)
  }

  async isOn(personId: string): Promise<boolean> {
    return ((await this.store.totp(personId))?.confirmedAt ?? null) !== null
  }

  async remove(personId: string): Promise<void> {
    if (!(await this.store.deleteTotp(personId))) throw new AppError("not_found", "no authenticator app is set up")
  }

  private stepOf(row: { personId: string; sealedSecret: string }, code: unknown): number | undefined {
    const token = typeof code === "string" ? code.replace(/\s/g, "") : ""
    if (!/^\d{6}$/.test(token)) return undefined
    const secret = Secret.fromBase32(this.vault.open(row.sealedSecret, place(row.personId)))
    const timestamp = this.now()
    const offset = TOTP.validate({ token, secret, digits, period: periodSeconds, timestamp, window: 1 })
    return offset === null ? undefined : TOTP.counter({ period: periodSeconds, timestamp }) + offset
  }
}

const place = (personId: string) => `totp_secrets/${personId}`
