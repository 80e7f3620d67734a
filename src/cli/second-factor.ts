import { AppError } from "../errors"
import { ApiClient, ApiError } from "./client"
import type { CommandIo } from "./io"
import { LoginCallback } from "./login-callback"
import { printable } from "./output"

/** What a login that is complete answers. */
export type Session = { username: string; user_id: string; token: string }

type Factors = { factors: string[]; username: string; page?: string }

const maxCodes = 3
const pageLimitMs = 5 * 60_000

/** The second step of a login, at the prompt or on a page in the browser. The challenge ends after five minutes, and with it the wait. */
export class SecondFactor {
  constructor(
    private server: string,
    private challenge: string,
    private io: CommandIo,
    private limitMs = pageLimitMs,
  ) {}

  /** Throws AppError or ApiError when nothing came of it. */
  async ask(): Promise<Session> {
    const known = await this.api.get<Factors>("/api/login/factors")
    const hasCode = known.factors.includes("totp") || known.factors.includes("recovery_code")
    const hasPage = known.factors.includes("webauthn") && URL.canParse(known.page ?? "")
    const page = hasPage ? this.pageAt(known.page ?? "") : undefined
    const session = hasCode ? await this.byCode(known, page !== undefined) : undefined
    if (session !== undefined) return session
    if (page === undefined) throw new AppError("unauthorized", "a code of the authenticator app or a recovery code is needed")
    return this.byPage(page, known.username)
  }

  private get api(): ApiClient {
    return new ApiClient(this.server, this.challenge)
  }

  /** Undefined when nothing was typed. */
  private async byCode({ factors }: Factors, mayUseKey: boolean): Promise<Session | undefined> {
    const what = factors.includes("totp")
      ? `Code of your authenticator app${factors.includes("recovery_code") ? ", or a recovery code" : ""}`
      : "Recovery code"
    for (let left = maxCodes; left > 0; left--) {
      const code = (await this.io.readLine(`${what}${mayUseKey ? " (nothing for the security key)" : ""}: `, { hidden: false })).trim()
      if (code === "") return undefined
      const isTotp = factors.includes("totp") && /^\d{6}$/.test(code.replace(/\s/g, ""))
      try {
        return await this.api.post<Session>(isTotp ? "/api/login/totp" : "/api/login/recovery-code", { code })
      } catch (error) {
        // A challenge that is over is refused with the same status, and no other code helps then.
        if (!(error instanceof ApiError) || error.status !== 401) throw error
        if (error.message !== "invalid code") throw new AppError("unauthorized", `${error.message}: log in again`, { cause: error })
        this.io.err(`${error.message}\n`)
      }
    }
    throw new AppError("unauthorized", `${maxCodes} codes were wrong: log in again`)
  }

  /** The page tells a listener on this machine, or the person pastes what it shows; the first that is right counts. */
  private async byPage(page: string, username: string): Promise<Session> {
    const { io } = this
    const done = Promise.withResolvers<Session>()
    const timer = setTimeout(
      () => done.reject(new AppError("unauthorized", "nobody confirmed the sign-in on the page in time: log in again")),
      this.limitMs,
    )
    const ending = new AbortController()
    const accept = async (token: string) => {
      const session = await this.sessionOf(token, username)
      if (session !== undefined) done.resolve(session)
      return session !== undefined
    }
    // By SSH the browser is at another machine, which has a 127.0.0.1 of its own.
    const callback = io.environment.isRemote === true ? undefined : new LoginCallback(new URL(page).origin, accept)
    try {
      const back = callback === undefined ? "" : `&cb=${encodeURIComponent(callback.address)}`
      io.err(
        `Use your security key on this page, within five minutes:\n\n  ${page}?challenge=${encodeURIComponent(this.challenge)}${back}\n\n`,
      )
      this.readPasted(ending.signal, accept, callback === undefined).catch(done.reject)
      return await done.promise
    } finally {
      clearTimeout(timer)
      ending.abort()
      await callback?.close()
    }
  }

  /** Asks until what was pasted is right. At the end of input only the page can tell; where it cannot, that is the end. */
  private async readPasted(signal: AbortSignal, accept: (token: string) => Promise<boolean>, isOnlyWay: boolean): Promise<void> {
    const prompt = isOnlyWay ? "Paste here what the page shows: " : "Waiting for the page. If it shows something to paste, paste it here: "
    while (!signal.aborted) {
      const text = (await this.io.readLine(prompt, { hidden: true, signal })).trim()
      if (signal.aborted) return
      if (text === "") {
        if (!isOnlyWay) return
        throw new AppError("unauthorized", "nothing was pasted: log in again")
      }
      if (await accept(text)) return
      this.io.err("that is not what the page shows for this sign-in\n")
    }
  }

  /** Undefined for what is no session of the person who logs in: a page must not sign anybody in as somebody else. */
  private async sessionOf(token: string, username: string): Promise<Session | undefined> {
    if (!/^[\w.-]{1,8000}$/.test(token)) return undefined
    try {
      const known = await new ApiClient(this.server, token).get<Omit<Session, "token">>("/api/session")
      return known.username === username ? { username: known.username, user_id: known.user_id, token } : undefined
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return undefined
      if (error instanceof ApiError) this.io.err(`${printable(error.message)}\n`)
      else throw error
      return undefined
    }
  }

  /** Where the server is reached over HTTPS at its own names, the page is behind the same port. */
  private pageAt(page: string): string {
    const [asked, own] = [new URL(this.server), new URL(page)]
    const isBelow = asked.hostname === own.hostname || asked.hostname.endsWith(`.${own.hostname}`)
    if (asked.protocol === "https:" && isBelow) own.port = asked.port
    return own.href
  }
}
