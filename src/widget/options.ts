/** What is told of each screen, as `connectdomain:step`. */
export type StepDetail = { domain: string | null; provider: string | null; step: Step; jobId: string | null }

export type Step = "enter" | "analyze" | "automatic" | "semiautomatic" | "manual" | "progress" | "email" | "success" | "error"

/** How the dialog came to its end. */
export type CloseReason = "completed" | "user" | "expired" | "error"

/** What a page gives to `open`. */
export type Options = {
  /** A widget token, minted by the page's own server. */
  token: string
  /** Origin of the API; that of the script where it is left out. */
  apiBase: string
  applicationId: string | undefined
  /** Skips the first screen. */
  domain: string | undefined
  /** Offers the mail records at the end. */
  email: boolean
  theme: "light" | "dark" | "auto"
  locale: string | undefined
  container: Element | undefined
  onStep: ((detail: StepDetail) => unknown) | undefined
  onSuccess: ((result: { id: string; domain: string }) => unknown) | undefined
  onClose: ((result: { id: string | null; domain: string | null; succeeded: boolean }) => unknown) | undefined
}

/** Throws TypeError naming the option and its rule. `authToken` and `auth_token` stand for `token`. */
export function parseOptions(given: Record<string, unknown> | undefined, scriptOrigin: string | undefined): Options {
  const raw = given ?? {}
  const token = raw.token ?? raw.authToken ?? raw.auth_token
  if (typeof token !== "string" || token === "") throw new TypeError("ConnectDomain.open: token is required: mint one on your server")
  const theme = raw.theme ?? "auto"
  if (theme !== "light" && theme !== "dark" && theme !== "auto")
    throw new TypeError('ConnectDomain.open: theme must be "light", "dark" or "auto"')
  const { container } = raw
  if (container !== undefined && container !== null && !(container instanceof Element))
    throw new TypeError("ConnectDomain.open: container must be an element")
  return {
    token,
    apiBase: parseBase(raw.apiBase ?? scriptOrigin),
    applicationId: text(raw, "applicationId"),
    domain: text(raw, "domain"),
    email: raw.email === true,
    theme,
    locale: text(raw, "locale") ?? document.documentElement.lang,
    container: container ?? undefined,
    onStep: callback(raw, "onStep"),
    onSuccess: callback(raw, "onSuccess"),
    onClose: callback(raw, "onClose"),
  }
}

function parseBase(raw: unknown): string {
  if (typeof raw === "string" && URL.canParse(raw)) {
    const { origin, pathname, protocol } = new URL(raw)
    if (protocol === "https:" || protocol === "http:") return origin + pathname.replace(/\/+$/, "")
  }
  throw new TypeError("ConnectDomain.open: apiBase must be the API's address such as https://connect.example.net")
}

function text(raw: Record<string, unknown>, name: string): string | undefined {
  const value = raw[name]
  if (value === undefined || value === null || value === "") return undefined
  if (typeof value !== "string") throw new TypeError(`ConnectDomain.open: ${name} must be a text`)
  return value
}

function callback<T>(raw: Record<string, unknown>, name: string): ((detail: T) => unknown) | undefined {
  const value = raw[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== "function") throw new TypeError(`ConnectDomain.open: ${name} must be a function`)
  return value as (detail: T) => unknown
}
