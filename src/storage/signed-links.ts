import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import { AppError } from "../errors"
import { pathOf } from "./files"
import type { Namespace } from "./model"

/*
 * Links that open one file for a while without a token: `/storage/<namespace>/<name>?expires=<Unix seconds>&signature=<HMAC-SHA256, base64url>`. Signed are
 * the namespace's id, the name, the end and how it is served, so a namespace of the same name made later is another. A link is to what stands under
 * the name when it is used. It cannot be taken back one by one: it ends by itself, when its owner is disabled, and with its namespace.
 */

export type Disposition = "inline" | "attachment"

export type SignedLinksNeeds = {
  /** 64 hexadecimal characters, of which a key for links alone is derived. */
  secret: string
  find: (name: string) => Promise<Namespace | undefined>
  /** Whether the person is there and not disabled. */
  isEnabled: (personId: string) => Promise<boolean>
  now: () => number
}

const defaultSeconds = 3600
const maxSeconds = 7 * 86_400

export class SignedLinks {
  private key: Buffer

  constructor(private needs: SignedLinksNeeds) {
    this.key = Buffer.from(hkdfSync("sha256", Buffer.from(needs.secret, "hex"), "", "freehold storage links", 32))
  }

  /** The address below the API's own, and its end in Unix seconds. Throws `invalid` naming the field. */
  create(namespace: Namespace, name: string, input: Record<string, unknown>): { url: string; expires_at: number } {
    const { expires_in: seconds = defaultSeconds, disposition = "inline" } = input
    if (!Number.isInteger(seconds) || (seconds as number) < 1 || (seconds as number) > maxSeconds)
      throw new AppError("invalid", `expires_in must be a whole number of seconds from 1 to ${maxSeconds}`)
    if (disposition !== "inline" && disposition !== "attachment") throw new AppError("invalid", "disposition must be inline or attachment")
    const expires = Math.floor(this.needs.now() / 1000) + (seconds as number)
    const signature = this.sign(namespace.id, name, expires, disposition).toString("base64url")
    const query = new URLSearchParams({ ...(disposition === "inline" ? {} : { disposition }), expires: String(expires), signature })
    return { url: `${pathOf(namespace.name, name)}?${query}`, expires_at: expires }
  }

  /** What a link opens; undefined for a request that is none. Throws `unauthorized`, and says why only of a link that was ours. */
  async open(
    request: Request,
    place: { name: string; key: string },
  ): Promise<{ namespace: Namespace; disposition: Disposition } | undefined> {
    const query = new URL(request.url).searchParams
    const signature = query.get("signature")
    if (signature === null) return undefined
    const disposition = query.get("disposition") === "attachment" ? "attachment" : "inline"
    const expires = Number(query.get("expires"))
    const namespace = await this.needs.find(place.name)
    // Made and compared for an absent one too, so that the time tells nothing.
    const made = this.sign(namespace?.id ?? 0, place.key, expires, disposition)
    const given = Buffer.from(signature, "base64url")
    const isOurs = given.length === made.length && timingSafeEqual(given, made)
    if (!isOurs || namespace === undefined) throw new AppError("unauthorized", "unauthorized: this link is not valid")
    if (expires * 1000 <= this.needs.now()) throw new AppError("unauthorized", "unauthorized: this link has expired")
    if (!(await this.needs.isEnabled(namespace.personId))) throw new AppError("unauthorized", "unauthorized: this link is not valid")
    return { namespace, disposition }
  }

  private sign(namespaceId: number, name: string, expires: number, disposition: Disposition): Buffer {
    return createHmac("sha256", this.key)
      .update(JSON.stringify([namespaceId, name, expires, disposition]))
      .digest()
  }
}
