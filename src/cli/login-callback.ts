import { randomBytes, timingSafeEqual } from "node:crypto"

const maxTokenBytes = 16 * 1024
const flushLimitMs = 2_000

/**
 * Where the page in the browser brings the session: a listener on 127.0.0.1 and a port of its own, for one POST with the nonce in its address
 * and the token as its body. Other origins, another `Host` (a name that the DNS leads here) and another nonce are 403.
 */
export class LoginCallback {
  private server: Bun.Server<undefined>
  private nonce = randomBytes(24).toString("base64url")

  /** `accept` is given what came, and says whether it was the token that is waited for. `pageOrigin` is whose scripts may ask. */
  constructor(
    private pageOrigin: string,
    private accept: (token: string) => Promise<boolean>,
  ) {
    this.server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      maxRequestBodySize: maxTokenBytes,
      fetch: (request) => this.answer(request),
    })
  }

  /** What the page is told: `http://127.0.0.1:<port>?state=<nonce>`. */
  get address(): string {
    return `http://127.0.0.1:${this.server.port}?state=${this.nonce}`
  }

  private async answer(request: Request): Promise<Response> {
    const origin = request.headers.get("origin")
    const isOurs = request.headers.get("host") === `127.0.0.1:${this.server.port}` && (origin === null || origin === this.pageOrigin)
    if (!isOurs) return this.reply(403)
    if (request.method === "OPTIONS") return this.reply(204)
    if (!isSame(new URL(request.url).searchParams.get("state") ?? "", this.nonce)) return this.reply(403)
    if (request.method !== "POST") return this.reply(405)
    const isTaken = await this.accept((await request.text()).trim())
    return this.reply(isTaken ? 200 : 400)
  }

  /** Browsers ask first whether a page may reach this machine (Private Network Access). */
  private reply(status: number): Response {
    const headers: Record<string, string> = {
      "access-control-allow-origin": this.pageOrigin,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type",
      "access-control-allow-private-network": "true",
      "cache-control": "no-store",
      connection: "close",
    }
    return new Response(null, { status, headers })
  }

  /** Listens no longer; what is being answered is finished, for at most two seconds. */
  async close(): Promise<void> {
    await Promise.race([this.server.stop(), Bun.sleep(flushLimitMs)])
    await this.server.stop(true)
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
