import { expect, test } from "bun:test"
import { Glob } from "bun"
import { dirname, join, normalize } from "node:path"

const source = join(import.meta.dir, "../src")

/** Which folder may import which: always forwards, never in a circle. Files that stand directly in src/ are named one by one. */
const allowed: Record<string, string[]> = {
  "main.ts": ["cli"],
  cli: [
    "app.ts",
    "backup",
    "checks",
    "config.ts",
    "disk-fault.ts",
    "errors.ts",
    "html.ts",
    "install",
    "live-config.ts",
    "log.ts",
    "settings.ts",
    "version.ts",
    "db",
    "dns",
  ],
  // The composition root, and its parts, which nobody else may import.
  "app.ts": [
    "addresses",
    "app",
    "ballast.ts",
    "clock-watch.ts",
    "config.ts",
    "data-folder.ts",
    "db",
    "edge",
    "live",
    "live-config.ts",
    "log.ts",
    "own-listener.ts",
    "publisher.ts",
    "vault.ts",
  ],
  app: [
    "accounts",
    "acme",
    "addresses",
    "alerts",
    "audit",
    "backup",
    "checks",
    "compute",
    "config.ts",
    "connect",
    "data-folder.ts",
    "db",
    "dns",
    "domain-connect",
    "edge",
    "email",
    "engine",
    "errors.ts",
    "given-settings.ts",
    "health",
    "hostname.ts",
    "house",
    "http",
    "install",
    "ledger",
    "ip-address.ts",
    "listen.ts",
    "live",
    "live-config.ts",
    "log.ts",
    "memory-limit.ts",
    "mapped-name.ts",
    "mappings",
    "metrics",
    "overview",
    "preflight",
    "problem-words.ts",
    "providers",
    "publisher.ts",
    "registrable-domain.ts",
    "safe-fetch.ts",
    "s3",
    "settings.ts",
    "ssh",
    "storage",
    "timeline",
    "traffic",
    "vault.ts",
    "version.ts",
    "watchdog",
    "webhooks",
    "worker.ts",
    "zones",
  ],
  "live-config.ts": ["config.ts", "given-settings.ts", "settings.ts"],
  "config.ts": ["given-settings.ts", "hostname.ts", "log.ts", "settings.ts"],
  "given-settings.ts": ["settings.ts"],
  "settings.ts": ["hostname.ts", "log.ts"],
  "ballast.ts": ["log.ts"],
  "clock-watch.ts": ["log.ts"],
  "data-folder.ts": [],
  "disk-fault.ts": ["errors.ts"],
  "version.ts": [],
  "hostname.ts": ["errors.ts"],
  "registrable-domain.ts": ["hostname.ts"],
  "safe-fetch.ts": ["ip-address.ts", "special-addresses.ts"],
  "special-addresses.ts": ["ip-address.ts"],
  "mapped-name.ts": ["errors.ts", "hostname.ts", "registrable-domain.ts"],
  "blanks.ts": [],
  "certificate-standing.ts": [],
  "body.ts": ["errors.ts"],
  "peer.ts": [],
  "ip-address.ts": [],
  "own-listener.ts": ["ip-address.ts"],
  "publisher.ts": ["edge"],
  "listener-holders.ts": [],
  "listen.ts": ["errors.ts", "settings.ts"],
  "worker.ts": ["log.ts"],
  "vault.ts": [],
  "html.ts": [],
  "log.ts": ["errors.ts"],
  "errors.ts": [],
  "address-block.ts": [],
  "memory-limit.ts": [],
  "secret-path.ts": [],
  backup: ["ballast.ts", "body.ts", "data-folder.ts", "errors.ts", "log.ts", "vault.ts", "worker.ts"],
  live: ["errors.ts", "event-stream.ts"],
  "event-stream.ts": [],
  http: ["accounts", "blanks.ts", "audit", "connect", "disk-fault.ts", "errors.ts", "log.ts", "peer.ts", "secret-path.ts", "version.ts"],
  addresses: ["db", "log.ts", "worker.ts"],
  ledger: ["acme", "db"],
  install: ["db", "errors.ts", "listener-holders.ts", "settings.ts"],
  house: [
    "body.ts",
    "data-folder.ts",
    "db",
    "errors.ts",
    "given-settings.ts",
    "live-config.ts",
    "log.ts",
    "problem-words.ts",
    "settings.ts",
    "worker.ts",
  ],
  health: ["errors.ts", "log.ts"],
  metrics: ["traffic"],
  overview: ["db", "disk-space.ts", "problem-words.ts"],
  watchdog: ["db", "log.ts", "worker.ts"],
  alerts: ["db", "errors.ts", "log.ts", "worker.ts"],
  "disk-space.ts": [],
  "problem-words.ts": [],
  edge: [
    "address-block.ts",
    "blanks.ts",
    "certificate-standing.ts",
    "acme",
    "db",
    "errors.ts",
    "hostname.ts",
    "ip-address.ts",
    "log.ts",
    "secret-path.ts",
    "traffic",
    "vault.ts",
    "worker.ts",
  ],
  dns: ["errors.ts"],
  acme: ["errors.ts"],
  engine: ["errors.ts"],
  storage: ["body.ts", "db", "disk-fault.ts", "errors.ts", "log.ts", "vault.ts", "worker.ts"],
  s3: ["blanks.ts", "db", "errors.ts", "log.ts", "storage"],
  ssh: ["engine", "errors.ts", "log.ts"],
  providers: ["dns", "errors.ts", "hostname.ts"],
  webhooks: [
    "body.ts",
    "db",
    "errors.ts",
    "ip-address.ts",
    "log.ts",
    "own-listener.ts",
    "paging.ts",
    "special-addresses.ts",
    "vault.ts",
    "worker.ts",
  ],
  preflight: ["dns", "errors.ts", "hostname.ts", "ip-address.ts", "special-addresses.ts"],
  timeline: ["body.ts", "db", "errors.ts", "log.ts", "paging.ts", "worker.ts"],
  connect: [
    "body.ts",
    "certificate-standing.ts",
    "db",
    "errors.ts",
    "hostname.ts",
    "html.ts",
    "log.ts",
    "problem-words.ts",
    "paging.ts",
    "vault.ts",
    "worker.ts",
  ],
  // Browser code: nothing of the server, and nobody imports it; the build makes one file of it.
  widget: [],
  email: ["body.ts", "errors.ts", "hostname.ts", "registrable-domain.ts"],
  "domain-connect": ["errors.ts", "hostname.ts", "log.ts", "safe-fetch.ts"],
  "paging.ts": ["errors.ts"],
  accounts: ["address-block.ts", "body.ts", "db", "errors.ts", "html.ts", "vault.ts"],
  checks: ["disk-space.ts", "dns", "errors.ts", "hostname.ts", "ip-address.ts", "listener-holders.ts", "special-addresses.ts"],
  zones: ["body.ts", "db", "errors.ts", "hostname.ts", "log.ts", "paging.ts", "providers", "vault.ts"],
  mappings: ["body.ts", "certificate-standing.ts", "db", "errors.ts", "hostname.ts", "log.ts", "mapped-name.ts", "worker.ts"],
  compute: [
    "body.ts",
    "db",
    "engine",
    "errors.ts",
    "ip-address.ts",
    "log.ts",
    "own-listener.ts",
    "peer.ts",
    "special-addresses.ts",
    "worker.ts",
  ],
  traffic: ["body.ts", "db", "errors.ts", "event-stream.ts", "log.ts", "worker.ts"],
  audit: ["address-block.ts", "db", "errors.ts", "log.ts", "worker.ts"],
  db: ["disk-fault.ts", "errors.ts"],
}

/** The folder below src/, or the file's own name where it stands directly in it. */
const place = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : path)

const files = [...new Glob("**/*.ts").scanSync(source)].filter((file) => !/\.(test|fixture)\.ts$/.test(file))

test("every import goes in the allowed direction", async () => {
  const wrong: string[] = []
  for (const file of files) {
    const code = await Bun.file(join(source, file)).text()
    for (const imported of ourImports(code)) {
      const target = normalize(join(dirname(file), imported))
      const [from, to] = [place(file), target.includes("/") ? place(target) : `${target}.ts`]
      if (from !== to && !target.startsWith("..") && !allowed[from]?.includes(to)) wrong.push(`${file} imports ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

test("the list of directions has no circle", () => {
  const done = new Set<string>()
  const visit = (node: string, path: string[]) => {
    if (path.includes(node)) throw new Error(`circle: ${[...path, node].join(" → ")}`)
    if (done.has(node)) return
    for (const next of allowed[node] ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of Object.keys(allowed)) visit(node, [])
  expect([...done].sort()).toEqual(Object.keys(allowed).sort())
})

test("Elysia appears only in http/, routes and models", async () => {
  const wrong: string[] = []
  for (const file of files) {
    if (file.startsWith("http/") || /routes\.ts$|model\.ts$/.test(file)) continue
    if (/from "(elysia|@elysiajs\/)/.test(await Bun.file(join(source, file)).text())) wrong.push(file)
  }
  expect(wrong).toEqual([])
})

test("only config.ts reads the environment and only log.ts writes to standard error", async () => {
  const wrong: string[] = []
  for (const file of files) {
    const code = await Bun.file(join(source, file)).text()
    if (file !== "config.ts" && !file.startsWith("dashboard/") && /(?<!")\b(process|Bun)\.env\b/.test(code))
      wrong.push(`${file} reads the environment`)
    if (!["log.ts", "cli/run.ts"].includes(file) && /process\.stderr|console\.(log|error|warn)/.test(code))
      wrong.push(`${file} writes to standard error`)
  }
  expect(wrong).toEqual([])
})

/** Type imports count too, which the bundler's own scan drops. */
function ourImports(code: string): string[] {
  return [...code.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "")
}
