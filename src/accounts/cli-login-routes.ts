import { Elysia } from "elysia"
import { cliLoginScript } from "./cli-login-script"
import { page } from "./page"

/** How the page that confirms a login of the command line is called; stock clients know it too (platform-api.md section 5.2). */
export const cliLoginPath = "/cli-2fa"

const title = "Confirm your sign-in"
const script = `(${cliLoginScript.toString()})()`

/**
 * The page at which a login of the command line goes on with a second factor: `/cli-2fa?challenge=…[&cb=http://127.0.0.1:<port>?state=<nonce>]`.
 * It knows nothing by itself: its script asks the API with the challenge. What comes of it goes to the address in `cb`, which is on the
 * reader's own machine, or is shown to be pasted.
 */
export const cliLoginRoutes = () =>
  new Elysia({ name: "cli-login-routes" }).get(cliLoginPath, ({ request }) => {
    const query = new URL(request.url).searchParams
    if (!query.get("challenge")) return refuse("This page is opened by <code>freehold login</code>, which says where.")
    const callback = query.get("cb")
    if (callback === null) return page(200, title, content, { script })
    const origin = callbackOrigin(callback)
    if (origin === undefined)
      return refuse(
        "The address to which the sign-in should be sent (<code>cb</code>) is not one of this machine: it must begin with <code>http://127.0.0.1:</code>.",
      )
    return page(200, title, content, { script, connect: origin })
  })

const refuse = (why: string) => page(400, "This link is not complete", `<p>${why}</p><p>Run <code>freehold login</code> again.</p>`)

/** The origin of a callback that is on the reader's own machine, with a port, and without a name that the DNS could lead elsewhere; else undefined. */
export function callbackOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // The parser takes 127.1 and 0x7f000001 for the same address; what is written another way was not written by us.
  const isLoopback = url?.protocol === "http:" && url.hostname === "127.0.0.1" && /^http:\/\/127\.0\.0\.1:\d{1,5}(?:[/?]|$)/.test(text)
  return isLoopback && url.port !== "" && url.username === "" && url.password === "" ? url.origin : undefined
}

const content = `
<noscript><p role="alert">This page needs JavaScript, since only a script can ask a security key.</p></noscript>
<div id="choice" hidden>
<p>A command line asks to sign in as <b id="username"></b>. Go on only if you have just run <code>freehold login</code> yourself.</p>
<button type="button" id="use-key" hidden>Use a security key</button>
<p id="key-elsewhere" hidden>A security key can be used at <a id="right-page"></a> only.</p>
<p id="or" class="or" hidden>or</p>
<form id="with-code" hidden>
<label for="code">Code of your authenticator app, or a recovery code
<input id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="64" required></label>
<button id="use-code" class="second">Confirm with the code</button>
</form>
</div>
<p id="problem" role="alert"></p>
<p id="status" role="status" class="quiet"></p>
<div id="delivered" hidden>
<p>Go back to the command line. This page can be closed.</p>
</div>
<div id="by-hand" hidden>
<label for="token">Paste this into the command line, where <code>freehold login</code> waits for it, and nowhere else:
<input id="token" class="secret" readonly spellcheck="false"></label>
<button type="button" id="copy">Copy</button>
</div>`
