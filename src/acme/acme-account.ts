import { type Client, crypto as acmeCrypto } from "acme-client"
import { DirectoryError } from "./transport"

/** Where an account lives between starts. `accountUrl` is null while the key is not yet known to be registered. */
export interface AccountKeeper {
  load(): Promise<{ keyPem: string; accountUrl: string | null } | undefined>
  save(keyPem: string, accountUrl: string | null): Promise<void>
}

export type AccountData = { keyPem: string; accountUrl: string | null }

/** One account at one directory (RFC 8555 section 7.3), made at first use and single flight, so that many first orders make one account. */
export class AcmeAccount {
  private opening: Promise<AccountData> | undefined

  constructor(
    private keeper: AccountKeeper,
    private data: { email?: string; eab?: { kid: string; hmac: string } },
    private connect: (account: AccountData, signal: AbortSignal) => Client,
    /** Asked before an account is made; throws where a limit would be broken. */
    private book: () => Promise<void> = async () => {},
  ) {}

  /** The registered account; a failure is not remembered, so that the next order tries again. `signal` is the limit of the first caller. */
  async open(signal: AbortSignal): Promise<AccountData> {
    const flight = (this.opening ??= this.register(signal))
    try {
      return await flight
    } catch (error) {
      if (this.opening === flight) this.opening = undefined
      throw error
    }
  }

  /** The directory does not know our account any more: the key stays, and the next `open` registers it. */
  async forgetUrl(): Promise<void> {
    const kept = await this.keeper.load()
    if (kept) await this.keeper.save(kept.keyPem, null)
    this.opening = undefined
  }

  private async register(signal: AbortSignal): Promise<AccountData> {
    const kept = await this.keeper.load()
    if (kept?.accountUrl) return kept
    const keyPem = kept?.keyPem ?? (await acmeCrypto.createPrivateEcdsaKey("P-256")).toString()
    // The key before the account: a crash in between leaves a key that is registered next time, never an account without its key.
    if (!kept) await this.keeper.save(keyPem, null)
    const client = this.connect({ keyPem, accountUrl: null }, signal)
    if (!kept || !(await this.isRegistered(client))) {
      await this.book()
      await client.createAccount({ termsOfServiceAgreed: true, ...(this.data.email ? { contact: [`mailto:${this.data.email}`] } : {}) })
    }
    const account = { keyPem, accountUrl: client.getAccountUrl() }
    await this.keeper.save(keyPem, account.accountUrl)
    return account
  }

  /** Asks for the account of a key from before (RFC 8555 section 7.3.1); acme-client would answer a second registration with an update that some CAs refuse. */
  private async isRegistered(client: Client): Promise<boolean> {
    try {
      await client.createAccount({ onlyReturnExisting: true })
      return true
    } catch (error) {
      if (error instanceof DirectoryError && error.type === "urn:ietf:params:acme:error:accountDoesNotExist") return false
      throw error
    }
  }
}
