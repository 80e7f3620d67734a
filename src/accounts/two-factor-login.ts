import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { LoginLimit } from "./login-limit"
import type { LoginReply, People, Tried } from "./people"
import type { RecoveryCodes } from "./recovery-codes"
import type { Totp } from "./totp"
import type { Challenge, TwoFactorChallenges } from "./two-factor-challenges"
import type { TwoFactorStore } from "./two-factor-store"
import { WebauthnCeremonies } from "./webauthn-ceremonies"
import type { SecurityKeys } from "./webauthn-keys"

/** Answered in place of a session to a person who has a second factor. */
export type ChallengeReply = { requires_2fa: true; challenge_token: string }

/** From where a second factor comes, and who is to hear whose account it is for. */
export type Attempt = { address: string; tried: Tried }

export type LoginNeeds = {
  people: People
  store: TwoFactorStore
  challenges: TwoFactorChallenges
  keys: SecurityKeys
  totp: Totp
  recoveryCodes: RecoveryCodes
  /** Of second factors; passwords have one of their own, so that one login does not count twice. */
  limit: LoginLimit
  /** Address of the page at which the command line's logins are confirmed, at the base domain. */
  page: () => string
  now: () => number
}

/**
 * The ways in: password → session, or password → challenge → key, code or recovery code → session, or passkey → session. A challenge makes
 * one session; a wrong answer leaves it open, as the attempts are limited.
 */
export class Login {
  private withKey: WebauthnCeremonies
  private withPasskey: WebauthnCeremonies

  constructor(private needs: LoginNeeds) {
    this.withKey = new WebauthnCeremonies(needs.now)
    this.withPasskey = new WebauthnCeremonies(needs.now)
  }

  /** Throws `unauthorized` alike for an unknown person and a wrong password. `address` is the peer's, here and below; `tried` hears whose account it is. */
  async password(input: Record<string, unknown>, address: string, tried: Tried): Promise<LoginReply | ChallengeReply> {
    const { people, store, challenges } = this.needs
    const person = await people.identify(input, address, tried)
    if (!(await store.hasSecondFactor(person.id))) return people.signIn(person.id, address, person.passwordHash)
    return { requires_2fa: true, challenge_token: await challenges.issue(person) }
  }

  /** What this login may go on with, whose it is, and the address of the page at which a browser can go on with it. */
  async factors(token: string | undefined): Promise<{ factors: string[]; username: string; page: string }> {
    const { challenges, store, totp, recoveryCodes, page } = this.needs
    const { personId, username } = await challenges.read(token)
    const factors: string[] = []
    if ((await store.keys(personId)).length > 0) factors.push("webauthn")
    if (await totp.isOn(personId)) factors.push("totp")
    if ((await recoveryCodes.left(personId)) > 0) factors.push("recovery_code")
    return { factors, username, page: page() }
  }

  /** At which pages browsers can ask for keys and passkeys, and the one to send somebody to who is elsewhere. */
  keyPages(): { page: string; origins: string[] } {
    return { page: new URL(this.needs.page()).origin, origins: this.needs.keys.origins() }
  }

  async beginWithKey(token: string | undefined) {
    const challenge = await this.needs.challenges.read(token)
    const publicKey = await this.needs.keys.requestOptions(challenge.personId)
    return { options: { publicKey }, state: this.withKey.begin(challenge.id, publicKey.challenge) }
  }

  /** Throws `invalid` for a ceremony that is over, `unauthorized` for a credential that proves nothing. */
  async finishWithKey(input: Record<string, unknown>, from: Attempt): Promise<LoginReply> {
    const ceremony = this.withKey.finish(input.state)
    const challenge = this.needs.challenges.get(ceremony.owner)
    if (challenge === undefined) throw new AppError("invalid", "ceremony session not found or expired")
    this.count(challenge, from)
    const isProof = await this.needs.keys.isProof(challenge.personId, input.credential, ceremony.challenge)
    if (!isProof) throw new AppError("unauthorized", "authentication failed")
    return this.complete(challenge, from.address)
  }

  /** `{code}` of the authenticator app. */
  async code(token: string | undefined, input: Record<string, unknown>, from: Attempt): Promise<LoginReply> {
    const challenge = this.count(await this.needs.challenges.read(token), from)
    if (!(await this.needs.totp.isProof(challenge.personId, input.code))) throw new AppError("unauthorized", "invalid code")
    return this.complete(challenge, from.address)
  }

  /** `{code}` of the printed list; it is used up. */
  async recoveryCode(token: string | undefined, input: Record<string, unknown>, from: Attempt): Promise<LoginReply> {
    const challenge = this.count(await this.needs.challenges.read(token), from)
    if (!(await this.needs.recoveryCodes.isProof(challenge.personId, input.code))) throw new AppError("unauthorized", "invalid code")
    return this.complete(challenge, from.address)
  }

  async beginWithPasskey(address: string) {
    this.needs.limit.takeAddress(address)
    const publicKey = await this.needs.keys.passkeyOptions()
    return { options: { publicKey }, state: this.withPasskey.begin(randomBytes(16).toString("hex"), publicKey.challenge) }
  }

  /** A passkey that verified its user is two factors in one, so nothing else is asked. */
  async finishWithPasskey(input: Record<string, unknown>, address: string): Promise<LoginReply> {
    const { challenge } = this.withPasskey.finish(input.state)
    const personId = await this.needs.keys.ownerByPasskey(input.credential, challenge)
    if (personId === undefined) throw new AppError("unauthorized", "authentication failed")
    return this.needs.people.signIn(personId, address)
  }

  private count(challenge: Challenge, { address, tried }: Attempt): Challenge {
    this.needs.limit.take(address, challenge.personId)
    tried({ user_id: challenge.personId, username: challenge.username })
    return challenge
  }

  private complete(challenge: Challenge, address: string): Promise<LoginReply> {
    this.needs.challenges.use(challenge)
    return this.needs.people.signIn(challenge.personId, address, challenge.passwordHash)
  }
}
