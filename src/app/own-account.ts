import { cliLoginPath } from "../accounts/cli-login-routes"
import { LoginLimit } from "../accounts/login-limit"
import type { People } from "../accounts/people"
import { RecoveryCodes } from "../accounts/recovery-codes"
import { Sessions } from "../accounts/sessions"
import { SessionStore } from "../accounts/sessions-store"
import { Settings } from "../accounts/settings"
import type { SettingsNeeds } from "../accounts/settings-routes"
import type { Signer } from "../accounts/signer"
import { Totp } from "../accounts/totp"
import { TwoFactor } from "../accounts/two-factor"
import { TwoFactorChallenges } from "../accounts/two-factor-challenges"
import { Login } from "../accounts/two-factor-login"
import { TwoFactorStore } from "../accounts/two-factor-store"
import { RelyingParty } from "../accounts/webauthn"
import { SecurityKeys } from "../accounts/webauthn-keys"
import type { Db } from "../db/open"
import type { Vault } from "../vault"

export type OwnAccountNeeds = {
  db: Db
  vault: Vault
  signer: Signer
  people: People
  baseDomain: string
  /** The pages that may ask for a security key, read at each use. */
  webauthnOrigins: () => string[]
  /** The origin of our own pages, read at each use. */
  pageOrigin: () => string
  now: () => number
}

/** The ways in and what a person changes about themselves: everything of accounts that second factors are part of. */
export class OwnAccount {
  readonly login: Login
  readonly settings: SettingsNeeds

  constructor(needs: OwnAccountNeeds) {
    const { db, vault, signer, people, baseDomain, webauthnOrigins, pageOrigin, now } = needs
    const store = new TwoFactorStore(db)
    const sessions = new SessionStore(db)
    const keys = new SecurityKeys(store, new RelyingParty(baseDomain, webauthnOrigins), now)
    const totp = new Totp(store, vault, `Freehold ${baseDomain}`, now)
    const recoveryCodes = new RecoveryCodes(store)
    const challenges = new TwoFactorChallenges(signer, now)
    const page = () => pageOrigin() + cliLoginPath
    this.login = new Login({ people, store, challenges, keys, totp, recoveryCodes, limit: new LoginLimit(now), page, now })
    this.settings = {
      settings: new Settings(people, sessions),
      sessions: new Sessions(sessions, now),
      keys,
      twoFactor: new TwoFactor(people, store, totp, recoveryCodes),
    }
  }
}
