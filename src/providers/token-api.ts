import { type ApiAnswer, type CallOptions, HttpApi, type Judgement, numberOf, textOf } from "./http-api"
import { ProviderFault } from "./provider"

/** Calls that take longer than this may meet the end of a token, so it is not used that close to it. */
const marginMs = 60_000
const usualLifeSeconds = 300

export type TokenApiOptions = {
  /** For messages. */
  provider: string
  /** Where tokens are granted (RFC 6749 section 4), without a slash at its end, and the path there. */
  tokenUrl: { base: string; path: string }
  /** The fields of the form that asks for one. */
  form(): Promise<Record<string, string>> | Record<string, string>
  /** Texts of the credential that no message may hold. */
  secrets: string[]
  /** The API, without a slash at its end. */
  baseUrl: string
  judge?: (answer: ApiAnswer) => Judgement | undefined
  now?: () => number
}

/** An HTTP API that takes access tokens for a while: one is asked for when it is needed, kept until it ends, and asked for anew once where it is not taken. */
export class TokenApi {
  private granting: HttpApi
  private kept: { api: HttpApi; endsAt: number } | undefined
  private now: () => number

  constructor(private options: TokenApiOptions) {
    const { provider, secrets, tokenUrl, judge, now = Date.now } = options
    const judgeBoth = (answer: ApiAnswer) => ({ ...judgeGrant(answer), ...judge?.(answer) })
    this.granting = new HttpApi({ provider, baseUrl: tokenUrl.base, secrets, judge: judgeBoth, now })
    this.now = now
  }

  /** As HttpApi's `call`; throws `denied` too where no token is granted. */
  async call(method: string, path: string, options: CallOptions): Promise<ApiAnswer> {
    const kept = this.kept && this.kept.endsAt > this.now() ? this.kept : undefined
    const { api } = kept ?? (await this.renew(options.signal))
    try {
      return await api.call(method, path, options)
    } catch (error) {
      // A token may be taken back, or its rights have changed, before it ends: only a new one says that the credential itself is denied.
      if (kept === undefined || !(error instanceof ProviderFault) || error.reason !== "denied") throw error
    }
    return (await this.renew(options.signal)).api.call(method, path, options)
  }

  private async renew(signal: AbortSignal): Promise<{ api: HttpApi }> {
    const { provider, baseUrl, secrets, tokenUrl, form, judge, now } = this.options
    this.kept = undefined
    const body = { type: "application/x-www-form-urlencoded", text: new URLSearchParams(await form()).toString() }
    const grant = (await this.granting.call("POST", tokenUrl.path, { body, signal, handed: [] })).object()
    const token = textOf(grant.access_token)
    if (!/^[\x21-\x7e]+$/.test(token)) throw new ProviderFault("unreachable", `${provider} granted a token that is none`)
    const headers = { authorization: `Bearer ${token}` }
    const api = new HttpApi({ provider, baseUrl, headers, secrets: [...secrets, token], judge, now })
    this.kept = { api, endsAt: this.now() + numberOf(grant.expires_in, usualLifeSeconds) * 1000 - marginMs }
    return this.kept
  }
}

/** Where tokens are granted, a 400 is about who asks (RFC 6749 section 5.2). */
function judgeGrant({ status }: ApiAnswer): Judgement | undefined {
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? { reason: "denied" } : undefined
}
