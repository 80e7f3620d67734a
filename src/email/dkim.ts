import { AppError } from "../errors"

const maxLength = 4096

/**
 * A DKIM key record (RFC 6376 section 3.6.1) as one text: what consoles show in several quoted strings is joined. Throws `invalid` where it is not a
 * key that verifies anything, a revoked one (empty `p=`) included.
 */
export function parseDkim(raw: unknown): string {
  const refuse = (rule: string) => new AppError("invalid", `dkim_value ${rule}`)
  if (typeof raw !== "string" || raw.length > maxLength) throw refuse(`must be a text of at most ${maxLength} characters`)
  const value = unquote(raw.trim())
  if (/[^\x20-\x7e]|["\\]/.test(value)) throw refuse("must be one line of plain text, as the provider shows it")
  const tags = new Map<string, string>()
  for (const [index, part] of value.replace(/;\s*$/, "").split(";").entries()) {
    const [, name = "", rest = ""] = /^\s*([a-z]\w*)\s*=(.*)$/is.exec(part) ?? []
    const content = rest.trim()
    if (name === "") throw refuse('must be a list of tags such as "v=DKIM1; k=rsa; p=…"')
    if (tags.has(name)) throw refuse(`has the tag ${name}= twice`)
    if (name === "v" && (index > 0 || content !== "DKIM1")) throw refuse('must begin with "v=DKIM1" where it has a version')
    tags.set(name, content)
  }
  const kind = tags.get("k") ?? "rsa"
  if (kind !== "rsa" && kind !== "ed25519") throw refuse("must have k=rsa or k=ed25519")
  const key = (tags.get("p") ?? "").replaceAll(" ", "")
  if (key === "" || !/^(?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?$/i.test(key))
    throw refuse("must have the public key in p=, as base64")
  return value
}

/** `"v=DKIM1; p=ab" "cd"`, as zone files have it, is `v=DKIM1; p=abcd`. */
function unquote(text: string): string {
  if (!/^"[^"]*"(?:\s*"[^"]*")*$/.test(text)) return text
  return [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join("")
}
