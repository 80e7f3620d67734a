import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { waitUntil } from "../lab/process"
import { type Appliance, startAppliance } from "./appliance"
import { hasChromium, startFullChromium } from "./chromium"
import { soon } from "./soon"

const base = "home.test"
/** Where everybody finds the same public files: the document's API, and the S3 door by path and by host. */
const doors = {
  "the storage host": `https://storage.${base}/storage/site`,
  "the S3 host": `https://s3.${base}/site`,
  "the bucket's own host": `https://site.s3.${base}`,
}

// What a page that somebody uploaded would like to do. Whatever of it works makes a request to a /stolen address, changes the title or leads away.
const evil = `<!doctype html><title>harmless</title><h1>Hello</h1>
<meta http-equiv="refresh" content="0; url=/stolen/by-refresh">
<img src="data:,x" onerror="document.title = 'handler ran'">
<a href="https://auth.${base}/stolen/by-link" target="_top">more</a>
<form action="/stolen/by-form" method="post"><input name="name" value="taken"><button>send</button></form>
<iframe srcdoc="<script>new Image().src = 'https://storage.${base}/stolen/by-frame'</script>"></iframe>
<script src="stolen/script.js"></script>
<script>
  document.title = "script ran"
  const tell = (what, text) => fetch("/stolen/" + what + "?" + encodeURIComponent(text), { mode: "no-cors" })
  tell("by-script", document.cookie)
  for (const url of ["/storage/namespaces", "https://storage.${base}/storage/namespaces", "https://auth.${base}/auth/user"])
    fetch(url, { credentials: "include" }).then((res) => res.text()).then((text) => tell("by-fetch", text))
  document.forms[0].submit()
  top.location = "https://auth.${base}/stolen/by-top"
</script>`
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400" onload="fetch('/stolen/by-onload')">
<rect width="600" height="400" fill="#f00"/><script>fetch("/stolen/by-svg"); document.documentElement.id = "ran"</script></svg>`

describe.skipIf(!hasChromium)(`uploaded files in a browser${hasChromium ? "" : " (skipped: chromium is not installed)"}`, () => {
  let house: Appliance
  let browser: Browser
  let context: BrowserContext
  let token: string
  /** A site of somebody else, which has the evil page too, and frames others. */
  let elsewhere: Bun.Server<undefined>

  beforeAll(async () => {
    house = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_BASE_DOMAIN: base } })
    token = (await house.login()).token
    const { code, err } = await house.cli(["storage", "create", "site", "--public"], { token })
    if (code !== 0) throw new Error(err)
    elsewhere = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answerElsewhere })
    browser = await startFullChromium(`--host-resolver-rules=MAP * 127.0.0.1:${house.ports.https}, EXCLUDE 127.0.0.1`)
    context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 600, height: 400 } })
    // As the dashboard's, but that other sites may send it too, so that it is the page alone that is held.
    const cookie = { name: "__Host-token", value: token, url: `https://storage.${base}/`, secure: true, sameSite: "None" as const }
    await context.addCookies([cookie])
    await upload("evil.html", evil, "text/html")
    await upload("drawing.svg", drawing, "image/svg+xml")
    const { image, pdf, video } = await redFiles(context)
    await upload("red.png", image, "image/png")
    await upload("red.pdf", pdf, "application/pdf")
    await upload("red.webm", video, "video/webm")
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await elsewhere?.stop(true)
    await house?.stop()
  })

  const upload = async (name: string, body: string | Uint8Array<ArrayBuffer>, type: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type }
    const res = await fetch(`${house.url}/storage/site/${name}`, { method: "PUT", headers, body })
    if (!res.ok) throw new Error(`${name}: ${res.status} ${await res.text()}`)
  }

  test("the visitor's cookie is worth something, and the page does what it wants where nothing holds it", async () => {
    const page = await context.newPage()
    const seen = await visit(page, `https://storage.${base}/storage/namespaces`)
    expect(await seen?.text()).toContain('"site"')
    const stolen = stolenFrom(page)
    await visit(page, `http://127.0.0.1:${elsewhere.port}/evil.html`, "commit")
    await page.waitForURL("**/stolen/**")
    expect([...stolen].length).toBeGreaterThan(2)
    await visit(page, `http://127.0.0.1:${elsewhere.port}/drawing.svg`)
    expect(await page.evaluate(() => document.documentElement.id)).toBe("ran")
    await page.close()
  })

  for (const [where, url] of Object.entries(doors)) {
    test(`a page at ${where} runs no script, sends no form, leads nowhere and reads nothing with the cookie`, async () => {
      const page = await context.newPage()
      const stolen = stolenFrom(page)
      await visit(page, `${url}/evil.html`)
      await soon(() => page.getByRole("heading").textContent()).toBe("Hello")
      await page.getByRole("button").click()
      await settled(page)
      expect({ title: await page.title(), url: page.url(), stolen: [...stolen] }).toEqual({
        title: "harmless",
        url: `${url}/evil.html`,
        stolen: [],
      })
      await page.close()
    })

    test(`framed by another page, it cannot lead the whole window away from ${where}`, async () => {
      const page = await context.newPage()
      const stolen = stolenFrom(page)
      const outside = `http://127.0.0.1:${elsewhere.port}/frame?${url}/evil.html`
      const framed = () => page.frames().find((frame) => frame.url() === `${url}/evil.html`)
      const isFramed = async () => {
        await visit(page, outside)
        return framed() !== undefined
      }
      await waitUntil(isFramed, { what: "the page to be framed" })
      await framed()!.getByRole("link").click()
      await settled(page)
      expect({ url: page.url(), stolen: [...stolen] }).toEqual({ url: outside, stolen: [] })
      await page.close()
    })

    test(`a drawing with a script at ${where} is drawn, and its script does nothing`, async () => {
      const page = await context.newPage()
      const stolen = stolenFrom(page)
      await visit(page, `${url}/drawing.svg`)
      await settled(page)
      expect(await page.evaluate(() => document.documentElement.id)).toBe("")
      expect([...stolen]).toEqual([])
      expect(await redShare(context, await page.screenshot())).toBeGreaterThan(0.5)
      await page.close()
    })

    for (const [kind, name] of Object.entries({ "an image": "red.png", "a PDF": "red.pdf", "a video": "red.webm" })) {
      test(`${kind} at ${where} is shown`, async () => {
        const page = await context.newPage()
        await visit(page, `${url}/${name}`, "commit")
        const isShown = async () => (await redShare(context, await page.screenshot())) > 0.3
        await waitUntil(isShown, { limitMs: 15_000, everyMs: 100, what: `${name} to be painted` })
        await page.close()
      })
    }
  }
})

function answerElsewhere(request: Request): Response {
  const { pathname, search } = new URL(request.url)
  const html = (text: string) => new Response(text, { headers: { "content-type": "text/html" } })
  if (pathname === "/evil.html") return html(evil)
  if (pathname === "/drawing.svg") return new Response(drawing, { headers: { "content-type": "image/svg+xml" } })
  if (pathname === "/frame") return html(`<!doctype html><title>outside</title><iframe src="${search.slice(1)}"></iframe>`)
  return html("stolen")
}

/** Goes there, again where containers that come and go on this machine make Chromium give up what it was loading. */
async function visit(page: Page, url: string, waitUntil: "load" | "commit" = "load"): ReturnType<Page["goto"]> {
  for (;;) {
    try {
      return await page.goto(url, { waitUntil })
    } catch (error) {
      if (!String(error).includes("net::ERR_NETWORK_CHANGED")) throw error
    }
  }
}

/** What the page asks for with intent, as it goes on. */
function stolenFrom(page: Page): Set<string> {
  const stolen = new Set<string>()
  page.context().on("request", (request) => {
    if (/\/stolen\/by-|\/storage\/namespaces|\/auth\//.test(request.url())) stolen.add(request.url())
  })
  return stolen
}

/** Nothing has been on its way for half a second: whatever was to happen by itself has begun. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle")
}

/** An image, a PDF and a video, all of one red, made by the browser itself. */
async function redFiles(context: BrowserContext) {
  const page = await context.newPage()
  await page.setContent(
    '<style>html { background: #f00; print-color-adjust: exact } @page { margin: 0 }</style><canvas width="600" height="400"></canvas>',
  )
  const image = new Uint8Array(await page.screenshot())
  const pdf = new Uint8Array(await page.pdf({ printBackground: true, width: "600px", height: "400px" }))
  const video = await page.evaluate(async () => {
    const canvas = document.querySelector("canvas")!
    const brush = canvas.getContext("2d")!
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" })
    const pieces: Blob[] = []
    const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve))
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data))
    recorder.start()
    for (let frame = 0; frame < 20; frame++) {
      brush.fillStyle = frame % 2 === 0 ? "#f00" : "#fe0000"
      brush.fillRect(0, 0, 600, 400)
      await new Promise((resolve) => requestAnimationFrame(resolve))
    }
    recorder.stop()
    await ended
    return [...new Uint8Array(await new Blob(pieces).arrayBuffer())]
  })
  await page.close()
  return { image, pdf, video: new Uint8Array(video) }
}

/** How much of a picture is red, 0 to 1. */
async function redShare(context: BrowserContext, png: Buffer): Promise<number> {
  const page = await context.newPage()
  const share = await page.evaluate(
    async (source) => {
      const picture = new Image()
      picture.src = source
      await picture.decode()
      const canvas = new OffscreenCanvas(picture.width, picture.height)
      const brush = canvas.getContext("2d")!
      brush.drawImage(picture, 0, 0)
      const { data } = brush.getImageData(0, 0, picture.width, picture.height)
      let red = 0
      for (let at = 0; at < data.length; at += 4) if (data[at]! > 200 && data[at + 1]! < 60 && data[at + 2]! < 60) red++
      return red / (data.length / 4)
    },
    `data:image/png;base64,${png.toString("base64")}`,
  )
  await page.close()
  return share
}
