import { expect, test } from "bun:test"
import { composeCredential } from "./credential"
import { providerAdapters } from "./registry"

const key = (await crypto.subtle.generateKey(
  { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  true,
  ["sign"],
)) as CryptoKeyPair
const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(await crypto.subtle.exportKey("pkcs8", key.privateKey)).toString("base64")}\n-----END PRIVATE KEY-----\n`
const account = { client_email: "dns@project.iam.gserviceaccount.com", private_key: pem }

/** Values of all fields, and the credential that they make. */
const whole: Record<string, [Record<string, string>, string]> = {
  azuredns: [
    { tenant_id: "t-1", client_id: "c", client_secret: "s", subscription_id: "sub", resource_group: "my group" },
    '{"tenant_id":"t-1","client_id":"c","client_secret":"s","subscription_id":"sub","resource_group":"my group"}',
  ],
  gcpdns: [
    { service_account_key: JSON.stringify(account), managed_zone: "z", project_id: "p" },
    JSON.stringify({ ...account, managed_zone: "z", project_id: "p" }),
  ],
  godaddy: [{ key: "k", secret: "s" }, "k:s"],
  ionos: [{ prefix: "p", secret: "s" }, "p.s"],
  namecheap: [{ api_user: "ann", api_key: "k", client_ip: "192.0.2.1" }, "ann:k:192.0.2.1"],
  namecom: [{ username: "ann", token: "t" }, "ann:t"],
  porkbun: [{ apikey: "pk1_a", secretapikey: "sk1_b" }, "pk1_a:sk1_b"],
  rfc2136: [
    { server: "192.0.2.1:5353", key_name: "freehold", algorithm: "hmac-sha256", secret: "c2VjcmV0", zone: "example.test" },
    "192.0.2.1:5353;freehold;hmac-sha256;c2VjcmV0;example.test",
  ],
  route53: [{ access_key_id: "AKIA1", secret_access_key: "s/+", region: "eu-central-1" }, "AKIA1:s/+:eu-central-1"],
  vercel: [{ token: "t", team_id: "team_1" }, "t:team_1"],
}

test.each([...providerAdapters.values()].map((adapter) => [adapter.key, adapter] as const))(
  "%s is asked for as its own fields, with its rights, and they make a credential that it opens",
  (name, adapter) => {
    const [values, made] = whole[name] ?? [{ token: " abc\n" }, "abc"]
    expect(adapter.fields.map((field) => field.key)).toEqual(Object.keys(values))
    expect(adapter.rights.length).toBeGreaterThan(0)
    expect(adapter.fields.some(({ isSecret }) => isSecret)).toBe(true)
    expect(composeCredential(adapter, values)).toBe(made)
    adapter.open(made)
    // Without what may be left out too.
    const needed = adapter.fields.filter(({ isOptional }) => !isOptional).map((field) => [field.key, values[field.key] ?? ""])
    adapter.open(composeCredential(adapter, Object.fromEntries(needed)))
    for (const [missing] of needed)
      expect(() => composeCredential(adapter, { ...values, [missing ?? ""]: " " })).toThrow(`fields.${missing}: the`)
  },
)

test.each([
  ["godaddy", { key: "a:b", secret: "s" }, 'fields.key: it must not hold ":"'],
  [
    "rfc2136",
    { server: "192.0.2.1", key_name: "k", algorithm: "hmac-md5", secret: "c2VjcmV0" },
    "fields.algorithm: the Algorithm must be one of hmac-sha256, hmac-sha384, hmac-sha512",
  ],
  [
    "gcpdns",
    { service_account_key: "{nope}" },
    "fields.service_account_key: the Service account key must be the JSON file of a service account's key",
  ],
  ["cloudflare", { token: "with blanks" }, "fields.token: the API token must be visible ASCII characters without blanks"],
  ["cloudflare", null, "fields must be an object with token"],
  ["cloudflare", { token: "x".repeat(9000) }, "fields.token: the API token must have at most 8192 characters"],
])("%s refuses %j: %p", (name, given, message) => {
  expect(() => composeCredential(providerAdapters.get(name)!, given)).toThrow(message)
})
