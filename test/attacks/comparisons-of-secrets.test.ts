import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Glob } from "bun"
import { parse, type Node } from "acorn"

// Time tells how far two texts are alike where they are compared by `===`. A secret is therefore compared by timingSafeEqual, or looked up by its hash: what
// a guess and a secret have in common says nothing of what their hashes have. Measured times would depend on the machine; the source does not.

const source = join(import.meta.dir, "../../src")

/** Names under which a secret, or what proves that somebody knows one, is known in the source. */
const secretName =
  /(secret|signature|password|digest|hmac|apikey|privatekey|hash|passphrase|otp|recoverycode|nonce|^mac$|^token$|token$|ticket|challengevalue)/i
/** Comparisons of such names that give nothing away: file, then the code as it is written, with the reason. */
const harmless: Record<string, Record<string, string>> = {
  "accounts/administration.ts": { "confirmation !== preview.digest": "of what an administrator was shown" },
  "accounts/people.ts": {
    "row.passwordHash !== (passwordHash ?? row.passwordHash)": "two hashes of the store, whether it has changed meanwhile",
  },
  "acme/transport.ts": { "problem?.type === BAD_NONCE": "the name of a problem" },
  "backup/copies.ts": { "await sumOf(file) !== hash": "of bytes on our own disk" },
  "backup/fetch-copies.ts": {
    "await sumOf(file) === copy.hash": "of bytes on our own disk",
    'hasher.digest("hex") !== copy.hash': "of bytes of our own backup",
  },
  "backup/s3-destination.ts": { "next === token": "where a listing goes on" },
  "backup/unpack.ts": { 'hasher.digest("hex") !== expected': "of bytes of our own backup" },
  "install/machine.ts": { "digest(one) === digest(other)": "of two programs on our own disk" },
  "cli/backup-key.ts": { 'passphrase !== await io.readLine("Once more: ", { hidden: true })': "the same person typed both" },
  "connect/idempotency.ts": {
    "running.bodyHash !== bodyHash": "of bodies that the same principal sent",
    "row.bodyHash !== bodyHash": "of bodies that the same principal sent",
  },
  "dns/dnssec.ts": {
    'createHash(digest).update(uncompressed(zone)).update(keyOctets(key)).digest("hex") === signer.digest': "of keys in the public DNS",
  },
  "mappings/proof.ts": { "value.trim() === token": "of records in the public DNS, which the owner of the name sees" },
  "s3/parameters.ts": { "token(value) === text": "where a listing goes on; what it says is checked as any other key" },
  "s3/payload.ts": { "contentHash !== unsignedPayload": "a word of the protocol" },
  "s3/signature.ts": { "found?.secret === known.secret": "two copies of our own, whether it has changed meanwhile" },
  "storage/scrubber.ts": { 'hasher.digest("hex") === hash': "of bytes on our own disk" },
  "storage/uploads.ts": { "replaced !== part.hash": "of bytes on our own disk" },
}

type Comparison = { path: string; code: string }

const nameOf = (node: Node): string => {
  const { type, name, property, callee } = node as Node & { name?: string; property?: Node; callee?: Node }
  if (type === "Identifier" || type === "PrivateIdentifier") return name ?? ""
  if (type === "MemberExpression" && property !== undefined) return nameOf(property)
  if (type === "CallExpression" && callee !== undefined) return nameOf(callee)
  return ""
}
/** A text or number that is written in the source is no secret, and nothing is. */
const isWritten = ({ type, ...rest }: Node) =>
  type === "Literal" ||
  (type === "Identifier" && (rest as { name?: string }).name === "undefined") ||
  type === "UnaryExpression" ||
  type === "TemplateLiteral" ||
  nameOf({ type, ...rest } as Node) === "length"

async function comparisons(): Promise<Comparison[]> {
  const found: Comparison[] = []
  const transpiler = new Bun.Transpiler({ loader: "ts" })
  for (const path of new Glob("**/*.ts").scanSync(source)) {
    if (/\.(test|fixture)\.ts$/.test(path) || path.startsWith("dashboard/") || path.startsWith("widget/")) continue
    const script = transpiler.transformSync(await Bun.file(join(source, path)).text())
    const walk = (node: unknown): void => {
      if (Array.isArray(node)) return node.forEach(walk)
      if (typeof node !== "object" || node === null) return
      const { type, operator, left, right, start, end, callee, arguments: given } = node as Record<string, unknown>
      const isComparison = type === "BinaryExpression" && /^[!=]==?$/.test(String(operator))
      const isSearch =
        type === "CallExpression" && /^(startsWith|endsWith|includes|indexOf|localeCompare|equals|compare)$/.test(nameOf(callee as Node))
      const sides = isComparison ? [left, right] : isSearch ? [(callee as { object?: Node }).object, ...(given as Node[])] : []
      const nodes = sides.filter((side): side is Node => side !== undefined && side !== null)
      if (nodes.length > 1 && !nodes.some(isWritten) && nodes.some((side) => secretName.test(nameOf(side))))
        found.push({ path, code: script.slice(start as number, end as number) })
      for (const value of Object.values(node)) walk(value)
    }
    walk(parse(script, { ecmaVersion: "latest", sourceType: "module" }))
  }
  return found
}

describe("comparisons of secrets", async () => {
  const all = await comparisons()

  test("none stops at the first difference", () => {
    const open = all.filter(({ path, code }) => harmless[path]?.[code] === undefined).map(({ path, code }) => `${path}: ${code}`)
    expect(open).toEqual([])
  })

  test("those that are harmless are still there", () => {
    const known = Object.entries(harmless).flatMap(([path, codes]) => Object.keys(codes).map((code) => `${path}: ${code}`))
    expect(known.filter((one) => !all.some(({ path, code }) => one === `${path}: ${code}`))).toEqual([])
  })

  test("the look finds what it is for", () => {
    expect(all.length).toBeGreaterThan(3)
  })
})
