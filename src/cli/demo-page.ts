/** What the page's own server needs to know of the appliance, which it asks as any product's server does: with an API key. */
export type DemoPageNeeds = { api: string; key: string; port: number; panelPort: number }

/**
 * A page of another origin that embeds the widget, and its server, which mints the tokens. The page runs under a Content-Security-Policy without
 * any `unsafe`: the widget's script and calls are allowed by the API's origin alone.
 */
export async function startDemoPage({ api, key, port, panelPort }: DemoPageNeeds): Promise<{ url: string; stop: () => Promise<void> }> {
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" }
    const init = { method, headers, signal: AbortSignal.timeout(30_000), ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const res = await fetch(api + path, init)
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${await res.text()}`)
    return (await res.json()) as T
  }
  const { data } = await ask<{ data: { id: string; name: string }[] }>("GET", "/v1/applications")
  const application = data.find(({ name }) => name === "Demo")
  if (application === undefined) throw new Error("the demo's application is not there")

  const answers: Record<string, (request: Request) => Response | Promise<Response>> = {
    "GET /": () => html(page(api, panelPort), `script-src 'self' ${api}; connect-src 'self' ${api}; style-src 'self'`),
    "GET /page.js": () => new Response(script, { headers: { "content-type": "text/javascript; charset=utf-8" } }),
    "GET /page.css": () => new Response(style, { headers: { "content-type": "text/css; charset=utf-8" } }),
    // A server of a product would look at who is signed in before it does this.
    "POST /token": async () => Response.json(await ask("POST", "/v1/tokens", { application_id: application.id })),
    "POST /link": async (request) => {
      const { hostname } = (await request.json()) as { hostname: string }
      const { id } = await ask<{ id: string }>("POST", "/v1/connections", { application_id: application.id, hostname })
      const { url, mailto } = await ask<{ url: string; mailto: string }>("POST", `/v1/connections/${id}/link`)
      // The demo's certificate is of a CA that no browser knows, and the API listener has the same page.
      const here = (text: string, encode: (part: string) => string) => text.replaceAll(encode(new URL(url).origin), encode(api))
      return Response.json({ url: here(url, String), mailto: here(mailto, encodeURIComponent) })
    },
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: (request) => {
      const answer = answers[`${request.method} ${new URL(request.url).pathname}`]
      return answer === undefined ? new Response("not found\n", { status: 404 }) : answer(request)
    },
    error: (problem) => new Response(`${problem.message}\n`, { status: 502 }),
  })
  const origins = ["localhost", "127.0.0.1"].map((host) => `http://${host}:${server.port}`)
  await ask("PATCH", `/v1/applications/${application.id}`, { name: "Demo", allowed_origins: origins })
  return { url: `${origins[0]}/`, stop: () => server.stop(true) }
}

const html = (text: string, allowed: string) =>
  new Response(text, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; ${allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
  })

const page = (api: string, panelPort: number) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Acme Sites · Domains</title>
<link rel="stylesheet" href="/page.css">
<script src="${api}/widget.js" defer></script><script src="/page.js" defer></script>
</head>
<body>
<header><b>Acme Sites</b><span>a product that plays along in the demo of Freehold</span></header>
<main>
<h1>Your site's address</h1>
<p>Your site is published at <b>ada.acme.example</b>. Connect a domain of your own, and visitors find it there.</p>
<p><button id="connect" type="button">Connect a domain</button></p>
<p>Try <b>app.customer.com</b>. You enter its records at <a href="http://localhost:${panelPort}/" target="_blank" rel="noopener">the DNS provider of customer.com</a>, which is played by the demo too.</p>
<h2>Without embedding anything</h2>
<p>Somebody else looks after the domain? They get a page of their own, which needs no account and no script.</p>
<form id="link"><label>Domain <input name="hostname" required size="24" value="shop.customer.com"></label><button>Make a link</button></form>
<p id="made" role="status"></p>
<h2>What this page hears of the widget</h2>
<ol id="events" aria-live="off"></ol>
</main>
</body>
</html>`

const script = `"use strict"
const list = document.getElementById("events")
for (const name of ["step", "success", "close"]) {
  addEventListener("connectdomain:" + name, ({ type, detail }) => {
    const line = document.createElement("li")
    const code = document.createElement("code")
    code.textContent = JSON.stringify(detail)
    line.append(type + " ", code)
    list.append(line)
  })
}
document.getElementById("link").addEventListener("submit", async (event) => {
  event.preventDefault()
  const made = document.getElementById("made")
  const hostname = new FormData(event.target).get("hostname")
  const response = await fetch("/link", { method: "POST", body: JSON.stringify({ hostname }) })
  if (!response.ok) return made.replaceChildren(await response.text())
  const { url, mailto } = await response.json()
  const link = (text, href) => Object.assign(document.createElement("a"), { href, textContent: text })
  made.replaceChildren(link(url, url), " ", link("Mail it", mailto))
})
document.getElementById("connect").addEventListener("click", async () => {
  const response = await fetch("/token", { method: "POST" })
  const { auth_token: token } = await response.json()
  ConnectDomain.open({ token, email: new URLSearchParams(location.search).has("email"), onSuccess() {}, onClose() {} })
})
`

const style = `:root{color-scheme:light dark}
body{margin:0;font:16px/1.6 Georgia,"Times New Roman",serif;color:#2b2118;background:#faf6ef}
header{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline;padding:1rem 1.5rem;border-bottom:1px solid #e2d8c6}
header span{font-size:.875rem;color:#6b5b45}
main{max-width:44rem;margin:0 auto;padding:2rem 1.5rem}
h1{line-height:1.2}h2{margin-top:3rem;font-size:1.1rem}
a{color:#8a3b12}
button{font:inherit;font-weight:bold;min-height:44px;padding:.5rem 1.25rem;border:0;border-radius:4px;color:#fff;background:#8a3b12;cursor:pointer}
form{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end}
label{display:grid}
input{font:inherit;box-sizing:border-box;min-height:44px;padding:.5rem;border:1px solid #8a7a62;border-radius:4px;color:inherit;background:none}
#made{overflow-wrap:anywhere}
ol{padding-left:1.5rem;overflow-wrap:anywhere;font-size:.875rem}
@media (prefers-color-scheme:dark){body{color:#efe6d8;background:#201a14}header{border-color:#43382b}header span{color:#b5a58e}a{color:#f0a878}button{color:#201a14;background:#f0a878}}
`
