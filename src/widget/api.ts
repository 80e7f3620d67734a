/** A DNS record; `host` is the whole name, `host_field` what the provider's form wants for it. */
export type DnsRecord = { host: string; type: string; value: string; ttl: number; priority?: number; host_field?: string }

export type Finding = { code: string; severity: "blocked" | "warning" | "notice"; sentence: string; fix: string | null }

/** What `domains:check` answers, as far as the widget reads it. */
export type DomainReport = {
  domain: string
  registrable_domain: string
  kind: "apex" | "subdomain"
  zone: string | null
  provider: { key: string | null; name: string | null; control_panel_url: string | null; host_form: string }
  setup_type: "automatic" | "manual" | "semiautomatic"
  apex_flattening: boolean
  www_redirect_recommended: boolean
  domain_connect?: { supported: boolean; apply_url?: string | null }
  challenge: { name: string; host_field: string }
  records: DnsRecord[]
  conflicts: Finding[]
  preflight: { findings: Finding[] }
}

/** A connection, as far as the widget reads it. */
export type Connection = {
  id: string
  hostname: string
  state: string
  setup_type: string
  error_code: string | null
  error_detail: string | null
  desired_records: DnsRecord[]
  ownership_challenge?: { name: string; type: string; value: string }
  domain_connect?: { apply_url?: string | null }
}

/** What `records:check` answers, as far as the widget reads it. */
export type RecordsReport = {
  records: (DnsRecord & { propagated: boolean; observed_value: string | null; explanation: string })[]
  state: string
  ownership?: { verified: false; detail: string }
  error_code: string | null
  error_detail: string | null
}

export type EmailRecords = { records: DnsRecord[]; notes: string[] }
export type EmailOutcome = { written_records: DnsRecord[]; manual_records: DnsRecord[]; notes: string[] }

/** What the API refused, with its code and sentence; status 0 where it could not be asked. */
export class ApiFault extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
  ) {
    super(message)
  }

  /** The token does not hold any more, or not here: the page has to mint another. */
  get isExpired(): boolean {
    return this.status === 401 || this.status === 403
  }
}

const limitMs = 60_000
const pausesMs = [300, 900]

/** The API as a page of another origin may ask it. Every method throws ApiFault, and an AbortError once `signal` ended. */
export class Api {
  constructor(
    private base: string,
    private token: string,
    private signal: AbortSignal,
  ) {}

  check = (domain: string, applicationId: string | undefined) =>
    this.ask<DomainReport>("POST", "/v1/domains:check", { domain, application_id: applicationId })

  /** `key` makes trying again safe: the same connection is answered for it. */
  connect = (hostname: string, applicationId: string | undefined, setupType: string | undefined, key: string) =>
    this.ask<Connection>("POST", "/v1/connections", { hostname, application_id: applicationId, setup_type: setupType }, key)

  connection = (id: string) => this.ask<Connection>("GET", `/v1/connections/${encodeURIComponent(id)}`)

  checkRecords = (id: string) => this.ask<RecordsReport>("POST", `/v1/connections/${encodeURIComponent(id)}/records:check`, {})

  emailRecords = (mail: object) => this.ask<EmailRecords>("POST", "/v1/email/records", mail)

  applyEmail = (id: string, mail: object) => this.ask<EmailOutcome>("POST", `/v1/connections/${encodeURIComponent(id)}/email:apply`, mail)

  private async ask<T>(method: string, path: string, body?: object, key?: string): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` }
    if (body !== undefined) headers["content-type"] = "application/json"
    if (key !== undefined) headers["idempotency-key"] = key
    const init: RequestInit = { method, headers, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" }
    if (body !== undefined) init.body = JSON.stringify(body)
    const { response, text } = await this.send(this.base + path, init)
    const answer = parse(text) as { error?: { code?: string; message?: string } } | undefined
    if (response.ok && answer !== undefined) return answer as T
    const retryAfterMs = Number(response.headers.get("retry-after") ?? 0) * 1000 || 0
    throw new ApiFault(response.status, answer?.error?.code ?? "", answer?.error?.message ?? "", retryAfterMs)
  }

  /** Tries again where the network fails, as when a phone changes it: every request of the widget may come twice. */
  private async send(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
    for (const pauseMs of [...pausesMs, undefined]) {
      const limit = AbortSignal.timeout(limitMs)
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.any([this.signal, limit]) })
        return { response, text: await response.text() }
      } catch (error) {
        if (this.signal.aborted) throw error
        if (limit.aborted || pauseMs === undefined) break
        await rest(pauseMs)
      }
    }
    throw new ApiFault(0, "unreachable", "")
  }
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
