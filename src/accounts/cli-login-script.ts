/**
 * The script of the page at `/cli-2fa`. It runs in the browser, from its own source text: it refers to nothing outside of itself. It reads challenge
 * and callback from the address and takes them out of it, asks the API for what the challenge may go on with, and brings the session to the
 * callback, or shows it.
 */
export function cliLoginScript(): void {
  type Answer = { status: number; body: Record<string, never> & { error?: string } }
  const byId = <E extends HTMLElement>(id: string) => document.getElementById(id) as E
  const query = new URLSearchParams(location.search)
  const challenge = query.get("challenge") ?? ""
  const callback = query.get("cb")
  const here = location.search
  // Neither the history nor a screenshot of the page shall keep them.
  history.replaceState(null, "", location.pathname)

  const useKey = byId<HTMLButtonElement>("use-key")
  const useCode = byId<HTMLButtonElement>("use-code")
  const code = byId<HTMLInputElement>("code")
  let factors: string[] = []

  const show = (id: string, isShown = true) => void (byId(id).hidden = !isShown)
  const say = (text: string) => void (byId("status").textContent = text)
  const complain = (text: string) => void (byId("problem").textContent = text)

  const over = () => {
    show("choice", false)
    say("")
    byId("title").textContent = "This sign-in is over"
    complain('It is used, or older than five minutes. Run "freehold login" again.')
  }

  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = { authorization: `Bearer ${challenge}` }
    if (body !== undefined) headers["content-type"] = "application/json"
    const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: "omit" as const }
    const res = await fetch(path, { ...options, signal: AbortSignal.timeout(30_000) })
    return { status: res.status, body: await res.json().catch(() => ({})) }
  }

  /** Asks again after a break of the network, in which a browser gives up all that is under way. Only for what may be asked twice. */
  async function persist<T>(work: () => Promise<T>): Promise<T> {
    for (let pauseMs = 300; ; pauseMs *= 3) {
      try {
        return await work()
      } catch (error) {
        if (pauseMs > 3_000 || !(error instanceof TypeError)) throw error
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  /** One attempt at a time; whatever goes wrong is said, and another may follow. */
  async function attempt(waiting: string, work: () => Promise<Answer>): Promise<void> {
    complain("")
    say(waiting)
    useKey.disabled = useCode.disabled = true
    try {
      const { status, body } = await work()
      if (status === 200) return await deliver(String(body.token))
      if (body.error === "invalid or expired challenge token" || body.error === "ceremony session not found or expired") return over()
      complain(status === 401 ? "That did not match. Try again." : (body.error ?? `The server answered ${status}.`))
    } catch (error) {
      const name = error instanceof Error ? error.name : ""
      if (name === "NotAllowedError" || name === "AbortError") complain("The security key was not used. Try again when it is at hand.")
      else if (name === "SecurityError") complain("The browser lets no security key be used at this address.")
      else complain("The server could not be reached. Try again.")
    } finally {
      useKey.disabled = useCode.disabled = false
      if (byId("status").textContent === waiting) say("")
    }
  }

  async function withKey(): Promise<Answer> {
    const begun = await persist(() => ask("POST", "/api/webauthn/login/begin"))
    if (begun.status !== 200) return begun
    const { options, state } = begun.body as unknown as { options: { publicKey: PublicKeyCredentialRequestOptionsJSON }; state: string }
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey)
    const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null
    return ask("POST", "/api/webauthn/login/finish", { state, credential: credential?.toJSON() })
  }

  async function withCode(): Promise<Answer> {
    const text = code.value.trim()
    const isTotp = factors.includes("totp") && /^\d{6}$/.test(text.replace(/\s/g, ""))
    const answer = await ask("POST", isTotp ? "/api/login/totp" : "/api/login/recovery-code", { code: text })
    if (answer.status !== 200) {
      code.select()
      code.focus()
    }
    return answer
  }

  /** Plain text, which needs no preflight; the answer says whether the command line took it. */
  async function deliver(token: string): Promise<void> {
    show("choice", false)
    let isTaken = false
    if (callback !== null) {
      say("The command line is being told …")
      const bring = () => fetch(callback, { method: "POST", body: token, credentials: "omit", signal: AbortSignal.timeout(15_000) })
      isTaken = await persist(bring).then(
        (res) => res.ok,
        () => false,
      )
    }
    say("")
    byId("title").textContent = isTaken ? "You are signed in" : "One step is left"
    byId("title").focus()
    show(isTaken ? "delivered" : "by-hand")
    if (isTaken) return
    const field = byId<HTMLInputElement>("token")
    field.value = token
    field.select()
    field.focus()
  }

  async function copy(): Promise<void> {
    const field = byId<HTMLInputElement>("token")
    field.select()
    try {
      await navigator.clipboard.writeText(field.value)
      say("Copied.")
    } catch {
      say("The browser did not copy it. It is selected: copy it with the keyboard.")
    }
  }

  async function begin(): Promise<void> {
    say("One moment …")
    let answer: Answer
    try {
      answer = await persist(() => ask("GET", "/api/login/factors"))
    } catch {
      say("")
      return complain("The server could not be reached. Load the page anew from the command line's link.")
    }
    say("")
    if (answer.status !== 200) return over()
    const known = answer.body as unknown as { factors: string[]; username: string; page: string }
    factors = known.factors
    byId("username").textContent = known.username
    const hasKey = factors.includes("webauthn")
    const isRightPage = new URL(known.page).hostname === location.hostname && "PublicKeyCredential" in globalThis
    const hasCode = factors.includes("totp") || factors.includes("recovery_code")
    const link = byId<HTMLAnchorElement>("right-page")
    link.href = known.page + here
    link.textContent = known.page
    show("use-key", hasKey && isRightPage)
    show("key-elsewhere", hasKey && !isRightPage)
    show("or", hasKey && isRightPage && hasCode)
    // The one thing to do looks like it.
    useCode.classList.toggle("second", hasKey && isRightPage)
    show("with-code", hasCode)
    show("choice")
    if (hasKey && isRightPage) useKey.focus()
    else if (hasCode) code.focus()
  }

  useKey.addEventListener("click", () => void attempt("Touch your security key …", withKey))
  byId("with-code").addEventListener("submit", (event) => {
    event.preventDefault()
    void attempt("The code is being checked …", withCode)
  })
  byId("copy").addEventListener("click", () => void copy())
  void begin()
}
