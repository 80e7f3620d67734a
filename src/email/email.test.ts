import { describe, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { parseEmailInput } from "./model"
import { emailPlan, emailRecords, questions } from "./records"
import { emailRoutes } from "./routes"
import { EmailDns } from "./service"

const key = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7mock0000"
const dkim = `v=DKIM1; k=rsa; p=${key}`
const spf = "v=spf1 include:_spf.google.com ~all"

const ask = (body: object, published: Record<string, string[]> = {}) =>
  emailRecords(parseEmailInput({ domain: "acme.com", ...body }), new Map(Object.entries(published)))
const plan = (body: object, published: Record<string, string[]> = {}) =>
  emailPlan(parseEmailInput({ domain: "acme.com", ...body }), new Map(Object.entries(published)))
const short = (records: { host: string; type: string; value: string; priority?: number }[]) =>
  records.map(({ host, type, value, priority }) => `${host} ${type} ${priority === undefined ? "" : `${priority} `}${value}`)

const google = { provider: "google_workspace" }
const microsoft = { provider: "microsoft_365" }
const zoho = { provider: "zoho" }

describe("Google Workspace", () => {
  test("a domain without mail gets what the document shows", () => {
    const { notes, ...rest } = ask(google)
    expect(rest).toEqual({
      provider: "google_workspace",
      domain: "acme.com",
      records: [
        { host: "acme.com", type: "MX", value: "smtp.google.com", ttl: 3600, priority: 1 },
        { host: "acme.com", type: "TXT", value: spf, ttl: 3600 },
        { host: "_dmarc.acme.com", type: "TXT", value: "v=DMARC1; p=none;", ttl: 3600 },
      ],
      conflicts: [],
    })
    expect(notes).toHaveLength(2)
    expect(notes.join("\n")).toContain("DMARC starts at p=none")
    expect(notes.join("\n")).toContain("selector google")
  })

  test("a DKIM key goes to the selector google, or the one that is named", () => {
    expect(short(ask({ ...google, dkim_value: dkim }).records)).toContain(`google._domainkey.acme.com TXT ${dkim}`)
    expect(short(ask({ ...google, dkim_value: dkim, dkim_selector: "Mail2" }).records)).toContain(`mail2._domainkey.acme.com TXT ${dkim}`)
    expect(ask({ ...google, dkim_value: dkim }).notes.join()).not.toContain("DKIM must be generated")
  })

  test("the older set of MX is kept, and is no conflict", () => {
    const published = { "acme.com MX": ["1 aspmx.l.google.com", "5 ALT1.ASPMX.L.GOOGLE.COM.", "10 aspmx2.googlemail.com"] }
    const { records, conflicts, notes } = ask(google, published)
    expect(short(records).slice(0, 3)).toEqual([
      "acme.com MX 1 aspmx.l.google.com",
      "acme.com MX 5 alt1.aspmx.l.google.com",
      "acme.com MX 10 aspmx2.googlemail.com",
    ])
    expect(conflicts).toEqual([])
    expect(notes.join()).toContain("go on working")
  })
})

describe("Microsoft 365", () => {
  test("the MX holds the domain with dashes, and Outlook is found", () => {
    expect(short(ask({ ...microsoft, domain: "shop.acme-west.co.uk" }).records)).toEqual([
      "shop.acme-west.co.uk MX 0 shop-acme-west-co-uk.mail.protection.outlook.com",
      "shop.acme-west.co.uk TXT v=spf1 include:spf.protection.outlook.com -all",
      "autodiscover.shop.acme-west.co.uk CNAME autodiscover.outlook.com",
      "_dmarc.shop.acme-west.co.uk TXT v=DMARC1; p=none;",
    ])
  })

  test("an MX of Microsoft's that is published or given goes before the usual one", () => {
    const published = { "acme.com MX": ["0 acme-com01c.mail.protection.outlook.com"] }
    expect(short(ask(microsoft, published).records)[0]).toBe("acme.com MX 0 acme-com01c.mail.protection.outlook.com")
    const given = { ...microsoft, mx_host: "acme-com.n-v1.mx.microsoft" }
    expect(short(ask(given).records)[0]).toBe("acme.com MX 0 acme-com.n-v1.mx.microsoft")
    expect(ask(given, published).conflicts).toMatchObject([{ value: "acme-com01c.mail.protection.outlook.com" }])
  })

  test("DKIM names come from the tenant, or as the portal shows them", () => {
    expect(short(ask({ ...microsoft, tenant: "contoso.onmicrosoft.com" }).records)).toContain(
      "selector2._domainkey.acme.com CNAME selector2-acme-com._domainkey.contoso.onmicrosoft.com",
    )
    const targets = [1, 2].map((number) => `selector${number}-acme-com._domainkey.contoso.n-v1.dkim.mail.microsoft`)
    const given = ask({ ...microsoft, dkim_targets: targets })
    expect(short(given.records)).toContain(`selector1._domainkey.acme.com CNAME ${targets[0]}`)
    expect(given.notes.join()).not.toContain("dkim_targets")
    expect(ask(microsoft).notes.join()).toContain("dkim_targets")
  })
})

describe("Zoho", () => {
  test.each([
    ["com", "zoho.com", "zohomail.com"],
    ["eu", "zoho.eu", "zohomail.eu"],
    ["au", "zoho.com.au", "zohomail.com.au"],
    ["ca", "zohocloud.ca", "zohocloud.ca"],
  ])("the data centre %s has its own servers", (region, mx, sender) => {
    expect(short(ask({ ...zoho, region, dkim_value: dkim }).records)).toEqual([
      `acme.com MX 10 mx.${mx}`,
      `acme.com MX 20 mx2.${mx}`,
      `acme.com MX 50 mx3.${mx}`,
      `acme.com TXT v=spf1 include:${sender} ~all`,
      `zmail._domainkey.acme.com TXT ${dkim}`,
      "_dmarc.acme.com TXT v=DMARC1; p=none;",
    ])
  })

  test("another data centre's MX is a conflict", () => {
    const published = { "acme.com MX": ["10 mx.zoho.com", "20 mx2.zoho.eu"] }
    expect(short(ask({ ...zoho, region: "eu" }, published).conflicts)).toEqual(["acme.com MX 10 mx.zoho.com"])
  })
})

describe("what is published already", () => {
  test("MX of another provider are listed as a conflict, null MX included", () => {
    const { conflicts, notes, records } = ask(google, { "acme.com MX": ["10 mail.old.example", "20 backup.old.example.", "0 ."] })
    expect(short(conflicts)).toEqual(["acme.com MX 10 mail.old.example", "acme.com MX 20 backup.old.example", "acme.com MX 0 "])
    expect(notes.join()).toContain("10 mail.old.example, 20 backup.old.example, 0 . (no mail at all, RFC 7505)")
    expect(short(records)[0]).toBe("acme.com MX 1 smtp.google.com")
  })

  test("SPF is merged into the one that is there, among other TXT records", () => {
    const { records } = ask(google, { "acme.com TXT": ["google-site-verification=x", "v=spf1 include:mailgun.org -all"] })
    expect(records.filter((record) => record.value.startsWith("v=spf1"))).toEqual([
      { host: "acme.com", type: "TXT", value: "v=spf1 include:mailgun.org include:_spf.google.com -all", ttl: 3600 },
    ])
  })

  test("DMARC is left alone, and two of them are named as an error", () => {
    const one = ask(google, { "_dmarc.acme.com TXT": ["v=DMARC1; p=reject; rua=mailto:x@acme.com"] })
    expect(one.records.some((record) => record.host.startsWith("_dmarc"))).toBe(false)
    expect(one.notes.join()).toContain('left as it is: "v=DMARC1; p=reject')
    expect(ask(google, { "_dmarc.acme.com TXT": ["v=DMARC1; p=none", "v=DMARC1;p=reject"] }).notes.join()).toContain("2 DMARC records")
    // Something else at the name is no DMARC.
    expect(ask(google, { "_dmarc.acme.com TXT": ["v=DMARC10"] }).records).toHaveLength(3)
  })
})

describe("the plan of what may be written", () => {
  test("the SPF record is never written, everything else of an empty domain is", () => {
    const { written, manual } = plan({ ...google, dkim_value: dkim })
    expect(short(written)).toEqual([
      "acme.com MX 1 smtp.google.com",
      `google._domainkey.acme.com TXT ${dkim}`,
      "_dmarc.acme.com TXT v=DMARC1; p=none;",
    ])
    expect(short(manual)).toEqual([`acme.com TXT ${spf}`])
  })

  test("with mail elsewhere the MX are for a person", () => {
    const { written, manual } = plan(google, { "acme.com MX": ["1 smtp.google.com", "10 mail.old.example"] })
    expect(short(written)).toEqual(["_dmarc.acme.com TXT v=DMARC1; p=none;"])
    expect(short(manual)).toEqual([`acme.com TXT ${spf}`])
    expect(short(plan(google, { "acme.com MX": ["10 mail.old.example"] }).manual)).toContain("acme.com MX 1 smtp.google.com")
  })

  test("a key or a name that is something else now is for a person", () => {
    const other = { "google._domainkey.acme.com TXT": ["v=DKIM1; p=b2xk"] }
    expect(short(plan({ ...google, dkim_value: dkim }, other).manual)).toContain(`google._domainkey.acme.com TXT ${dkim}`)
    const moved = plan(microsoft, { "autodiscover.acme.com CNAME": ["autodiscover.old.example"] })
    expect(short(moved.manual)).toContain("autodiscover.acme.com CNAME autodiscover.outlook.com")
    expect(moved.notes.join()).toContain('autodiscover.acme.com has the CNAME record "autodiscover.old.example"')
  })

  test("what stands already is neither written nor asked for", () => {
    const done = plan(
      { ...google, dkim_value: dkim },
      {
        "acme.com MX": ["1 smtp.google.com"],
        "acme.com TXT": [spf],
        "google._domainkey.acme.com TXT": [`v=DKIM1;k=rsa;p=${key};`],
        "_dmarc.acme.com TXT": ["v=DMARC1; p=quarantine"],
      },
    )
    expect([done.written, done.manual]).toEqual([[], []])
    expect(done.notes.join()).toContain("3 of 3 records stand already")
  })

  test("the right SPF record beside a second one is still to be done", () => {
    expect(short(plan(google, { "acme.com TXT": [spf, "v=spf1 include:_spf.google.com ~all "] }).manual)).toEqual([`acme.com TXT ${spf}`])
  })
})

describe("input", () => {
  const refused: [object, string][] = [
    [{ domain: "192.0.2.1" }, "domain must be"],
    [{ domain: undefined }, "domain must be"],
    [{ provider: "fastmail" }, "provider must be one of: google_workspace, microsoft_365, zoho"],
    [{ provider: "constructor" }, "provider must be one of"],
    [{ dkim_value: 5 }, "dkim_value must be a text"],
    [{ dkim_value: "hello" }, "dkim_value must be a list of tags"],
    [{ dkim_value: "v=DKIM1; k=rsa; p=" }, "dkim_value must have the public key"],
    [{ dkim_value: "v=DKIM1; k=dsa; p=abcd" }, "dkim_value must have k="],
    [{ dkim_value: "p=abcd; v=DKIM1" }, "dkim_value must begin with"],
    [{ dkim_value: "v=DKIM1; p=abcd; p=efgh" }, "dkim_value has the tag p= twice"],
    [{ dkim_value: "v=DKIM1; p=ab!d" }, "dkim_value must have the public key"],
    [{ dkim_value: "v=DKIM1; n=a\nb; p=abcd" }, "dkim_value must be one line"],
    [{ dkim_value: `v=DKIM1; p=${"a".repeat(5000)}` }, "dkim_value must be a text of at most 4096"],
    [{ dkim_selector: "a._domainkey" }, "dkim_selector must be a label"],
    [{ region: "eu" }, "region is not an option of google_workspace"],
    [{ ...zoho, region: "us" }, "region must be one of: com, eu, in, au, jp, ca, sa, cn"],
    [{ ...microsoft, dkim_value: dkim }, "dkim_value is not an option of microsoft_365: its DKIM keys stay at Microsoft"],
    [{ ...microsoft, tenant: "contoso.example.com" }, "tenant must be a name below onmicrosoft.com"],
    [{ ...microsoft, mx_host: "mail.evil.test" }, "mx_host must be a name below mail.protection.outlook.com or mx.microsoft"],
    [{ ...microsoft, mx_host: "mx.microsoft" }, "mx_host must be a name below"],
    [{ ...microsoft, dkim_targets: ["a.onmicrosoft.com"] }, "dkim_targets must be the two names"],
    [{ ...microsoft, dkim_targets: ["a.onmicrosoft.com", "b.evil.test"] }, "dkim_targets must be a name below"],
  ]
  // The title has the message alone: some bodies are long.
  test.each(refused.map(([body, message], index) => [index + 1, message, body] as const))("what is refused, %d: %s", (_, message, body) => {
    expect(() => parseEmailInput({ domain: "acme.com", ...google, ...body })).toThrow(message)
  })

  test("names are made canonical, and a key shown in quoted pieces is one text", () => {
    const input = parseEmailInput({ domain: "Bücher.DE.", ...google, dkim_value: '"v=DKIM1; k=rsa; " "p=YWJj" "ZGVm"' })
    expect(input).toEqual({ domain: "xn--bcher-kva.de", provider: "google_workspace", dkimValue: "v=DKIM1; k=rsa; p=YWJjZGVm" })
  })
})

async function house(options: { hostname?: string; lookup?: (name: string, type: string) => Promise<string[]> } = {}) {
  const asked: string[] = []
  const scopes: string[][] = []
  const service = new EmailDns(async (name, type) => {
    asked.push(`${name} ${type}`)
    return options.lookup?.(name, type) ?? []
  })
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(
      emailRoutes(service, async (request, ...anyOf) => {
        scopes.push(anyOf)
        if (request.headers.get("authorization") !== "Bearer sk_test_x") throw new AppError("unauthorized", "unauthorized")
        return { personId: "p", environment: "test", ...(options.hostname === undefined ? {} : { hostname: options.hostname }) }
      }),
    )
  const post = (body: unknown, token = "sk_test_x", method = "POST") =>
    app.handle(
      new Request("http://localhost/v1/email/records", {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
      }),
    )
  return { asked, scopes, service, post }
}

describe("POST /v1/email/records", () => {
  test("answers with the records, made from what the domain publishes", async () => {
    const { post, asked, scopes } = await house({ lookup: async (_, type) => (type === "TXT" ? ["v=spf1 mx -all"] : []) })
    const res = await post({ domain: "acme.com", provider: "google_workspace", dkim_value: dkim })
    expect(res.status).toBe(200)
    const body = (await res.json()) as { records: { value: string }[] }
    expect(body).toMatchObject({ provider: "google_workspace", domain: "acme.com" })
    expect(body.records[1]?.value).toBe("v=spf1 mx include:_spf.google.com -all")
    expect(asked.sort()).toEqual(["_dmarc.acme.com TXT", "acme.com MX", "acme.com TXT", "google._domainkey.acme.com TXT"])
    expect(scopes).toEqual([["connections:read"]])
  })

  test("climbs the ladder of refusals in the form of the third document", async () => {
    const { post, asked } = await house()
    const refusal = async (res: Response) => [res.status, ((await res.json()) as { error: { code: string } }).error.code]
    expect(await refusal(await post({ domain: "acme.com", ...google }, "other"))).toEqual([401, "unauthorized"])
    expect(await refusal(await post({ domain: "acme.com", provider: "x" }))).toEqual([400, "invalid"])
    expect(await refusal(await post([]))).toEqual([400, "invalid"])
    expect(await refusal(await post(undefined, "sk_test_x", "GET"))).toEqual([405, "method_not_allowed"])
    expect(asked).toEqual([])
  })

  test("a DNS that cannot be asked is not taken for an empty one", async () => {
    const { post } = await house({ lookup: (name) => Promise.reject(new Error(`SERVFAIL ${name}`)) })
    const res = await post({ domain: "acme.com", ...google })
    expect([res.status, res.headers.get("retry-after")]).toEqual([503, "10"])
    expect(await res.text()).not.toContain("SERVFAIL")
  })

  test.each([
    ["shop.acme.com", "shop.acme.com", 200],
    ["shop.acme.com", "acme.com", 200],
    ["shop.acme.com", "other.com", 403],
    ["shop.acme.com", "x.shop.acme.com", 403],
    ["a.b.acme.com", "b.acme.com", 403],
    // The parent is somebody else's.
    ["alice.github.io", "github.io", 403],
  ])("a token for %s that asks for %s is answered %d", async (hostname, domain, status) => {
    const { post } = await house({ hostname })
    expect((await post({ domain, ...google })).status).toBe(status)
  })
})

test("no question is asked twice, and the plan asks the same as the records", async () => {
  const wanted = questions(parseEmailInput({ domain: "acme.com", ...microsoft, tenant: "contoso.onmicrosoft.com" }))
  expect(new Set(wanted.map(({ name, type }) => `${name} ${type}`)).size).toBe(wanted.length)
  const { service, asked } = await house()
  expect((await service.plan({ domain: "acme.com", ...google })).manual).toHaveLength(1)
  expect(asked.sort()).toEqual(["_dmarc.acme.com TXT", "acme.com MX", "acme.com TXT"])
})
