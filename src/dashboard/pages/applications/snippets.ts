import { apiAddress } from "./data"

/** How a server connects a hostname, with what is known of the application filled in. */
export const quickStart = ({ id = "APPLICATION_ID", key = "$FREEHOLD_KEY" }: { id?: string; key?: string } = {}): string =>
  `curl ${apiAddress}/v1/connections \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"application_id": "${id}", "hostname": "shop.customer.com"}'`

/** The first question that a new key can answer. */
export const tryKey = (key: string): string => `curl ${apiAddress}/v1/applications \\
  -H "Authorization: Bearer ${key}"`

/** Checks a delivery as docs/API.md says. */
export const verifySignature = `import { createHmac, timingSafeEqual } from "node:crypto"

export function isGenuine(headers, body, secret) {
  const sentAt = headers.get("x-cd-timestamp") ?? ""
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) < 300)) return false
  const expected = createHmac("sha256", secret).update(\`\${sentAt}.\`).update(body).digest()
  const claimed = Buffer.from((headers.get("x-cd-signature") ?? "").replace("sha256=", ""), "hex")
  return claimed.length === expected.length && timingSafeEqual(claimed, expected)
}`

/** Options of the widget as they stand in the address. */
export type WidgetChoice = { theme: string; locale: string; domain: string; email: boolean }

/** What a page says to open the widget; what is as it would be anyway is left out. */
export function frontSnippet({ theme, locale, domain, email }: WidgetChoice): string {
  const options = [
    "token",
    ...(theme === "auto" ? [] : [`theme: ${JSON.stringify(theme)}`]),
    ...(locale === "" ? [] : [`locale: ${JSON.stringify(locale)}`]),
    ...(domain === "" ? [] : [`domain: ${JSON.stringify(domain)}`]),
    ...(email ? ["email: true"] : []),
    "onSuccess: ({ id, domain }) => location.reload()",
  ]
  return `<script src="${apiAddress}/widget.js"></script>
<button id="connect-domain">Connect a domain</button>
<script type="module">
  document.querySelector("#connect-domain").addEventListener("click", async () => {
    const res = await fetch("/my-own/widget-token", { method: "POST" })
    const { auth_token: token } = await res.json()
    ConnectDomain.open({
      ${options.join(",\n      ")},
    })
  })
</script>`
}

/** What the page's own server does for it. */
export const backSnippet = (id: string, { domain }: WidgetChoice): string => `// POST /my-own/widget-token, for whoever is signed in
const res = await fetch("${apiAddress}/v1/tokens", {
  method: "POST",
  headers: {
    "Authorization": \`Bearer \${process.env.FREEHOLD_KEY}\`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    application_id: "${id}",${domain === "" ? "" : `\n    domain: ${JSON.stringify(domain)},`}
  }),
})
return Response.json(await res.json(), { status: res.status })`
