// What the binary is made of, as CycloneDX 1.6 on standard output, out of bun.lock and what is installed: the closure of package.json's dependencies,
// and Bun itself. SOURCE_DATE_EPOCH is its time, so that the same lockfile makes the same text.
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

type Entry = [id: string, source: string, needs: Needs, integrity: string]
type Needs = {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}
type Manifest = {
  name: string
  version: string
  license?: string | { type: string }
  licenses?: { type: string }[]
  dependencies?: Record<string, string>
}

const repository = join(import.meta.dir, "../..")
const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as Manifest & { engines: { bun: string } }
// The lockfile is JSON with commas behind last items.
const lock = (await import(join(repository, "bun.lock"), { with: { type: "jsonc" } })) as { default: { packages: Record<string, Entry> } }
const packages = lock.default.packages

/** The names in a place such as `a/@scope/b`, outermost first. */
const namesIn = (place: string) => place.match(/@[^/]+\/[^/]+|[^/]+/g) ?? []

/** Where a package finds another: beside what it brought itself, else further out. */
function find(from: string, name: string): string | undefined {
  const names = namesIn(from)
  for (let depth = names.length; depth >= 0; depth--) {
    const place = [...names.slice(0, depth), name].join("/")
    if (packages[place] !== undefined) return place
  }
  return undefined
}

const folderOf = (place: string) => join(repository, ...namesIn(place).flatMap((name) => ["node_modules", name]))
const purl = (id: string) => `pkg:npm/${id.replace(/^@/, "%40")}`

/** Places by what each of them needs; what is not installed here, because it is for other machines, is not in the binary. */
function closure(): Map<string, string[]> {
  const needs = new Map<string, string[]>()
  const queue = Object.keys(manifest.dependencies ?? {}).map((name) => find("", name) ?? missing(name))
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    if (needs.has(place)) continue
    const { dependencies, optionalDependencies, peerDependencies } = packages[place]?.[2] ?? {}
    const wanted = [
      ...Object.keys(dependencies ?? {}).map((name) => find(place ?? "", name) ?? missing(name)),
      ...Object.keys({ ...optionalDependencies, ...peerDependencies }).flatMap((name) => find(place ?? "", name) ?? []),
    ].filter((one) => existsSync(folderOf(one)))
    needs.set(place, wanted)
    queue.push(...wanted)
  }
  return needs
}

function missing(name: string): never {
  throw new Error(`bun.lock has no ${name}`)
}

function component(place: string) {
  const [id = "", , , integrity = ""] = packages[place] ?? []
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(folderOf(place), "package.json"), "utf8")) as Manifest
  const said = typeof license === "string" ? license : (license?.type ?? licenses?.map(({ type }) => type).join(" OR "))
  if (said === undefined || said === "") throw new Error(`${id} says nothing of its licence`)
  return {
    type: "library",
    "bom-ref": purl(id),
    name,
    version,
    hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") }],
    licenses: [/ (OR|AND|WITH) /.test(said) ? { expression: said } : { license: { id: said } }],
    purl: purl(id),
  }
}

const needs = closure()
const ref = (place: string) => purl(packages[place]?.[0] ?? "")
const unique = <T extends { "bom-ref": string }>(all: T[]) => [...new Map(all.map((one) => [one["bom-ref"], one])).values()]
const bun = {
  type: "platform",
  "bom-ref": "bun",
  name: "bun",
  version: manifest.engines.bun,
  licenses: [{ license: { id: "MIT" } }],
  purl: `pkg:npm/bun@${manifest.engines.bun}`,
}
const components = unique([...needs.keys()].sort().map(component))
const digest = createHash("sha256")
  .update(JSON.stringify([manifest.version, components]))
  .digest("hex")
const serial = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join(
  "-",
)
const root = `freehold@${manifest.version}`
const graph = new Map<string, Set<string>>()
for (const [place, wanted] of needs) graph.set(ref(place), new Set([...(graph.get(ref(place)) ?? []), ...wanted.map(ref)]))

const bill = {
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  serialNumber: `urn:uuid:${serial}`,
  version: 1,
  metadata: {
    timestamp: new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString().replace(".000Z", "Z"),
    component: {
      type: "application",
      "bom-ref": root,
      name: "freehold",
      version: manifest.version,
      licenses: [{ license: { id: manifest.license } }],
    },
  },
  components: [bun, ...components],
  dependencies: [
    { ref: root, dependsOn: ["bun", ...Object.keys(manifest.dependencies ?? {}).flatMap((name) => ref(find("", name) ?? missing(name)))] },
    { ref: "bun", dependsOn: [] },
    ...[...graph].sort(([a], [b]) => (a < b ? -1 : 1)).map(([one, wanted]) => ({ ref: one, dependsOn: [...wanted].sort() })),
  ],
}
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`)
