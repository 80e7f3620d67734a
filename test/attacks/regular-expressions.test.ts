import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { tokenizer } from "acorn"
import { Glob } from "bun"

const source = join(import.meta.dir, "../../src")
// Of recheck only its native program: an automaton's proof where there can be one, else a search for the worst input.
const program = join(import.meta.dir, "../../node_modules/recheck-linux-x64/recheck")
const obstacle = existsSync(program) ? undefined : "recheck-linux-x64 is not installed, which is for Linux on x64"

/** Where more than linear time does no harm: by file, then the expression, with the longest input it ever gets. */
const bounded: Record<string, Record<string, { longest: number; because: string }>> = {
  "backup/open-destination.ts": { "/\\/+$/": { longest: 4096, because: "the operator's own setting" } },
  "listener-holders.ts": {
    "/([^/]+\\.(?:service|scope))(?:\\/|$)/m": { longest: 4096, because: "a control group's path, which the kernel bounds" },
  },
  "settings.ts": { "/\\/+$/": { longest: 4096, because: "the operator's own setting" } },
  "checks/addresses.ts": { "/%.*$/": { longest: 64, because: "an address of an interface of this machine" } },
  "compute/ssh-key.ts": { "/=+$/": { longest: 44, because: "a hash in base64" } },
  "connect/link-model.ts": {
    '/^[^\\s@<>"(),:;\\\\[\\]]+@[^\\s@<>"(),:;\\\\[\\]]+\\.[^\\s@<>"(),:;\\\\[\\]]+$/': {
      longest: 254,
      because: "the length is looked at first",
    },
  },
  "engine/faults.ts": { "/^\\(HTTP code \\d+\\) \\S+ ?[^-]*- /": { longest: 2000, because: "it is cut before" } },
  "ssh/fingerprint.ts": { "/=+$/": { longest: 44, because: "a hash in base64" } },
  "edge/certificate-report.ts": {
    "/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g": { longest: 65_536, because: "a chain that an issuer of ours made" },
  },
  "email/spf.ts": {
    "/^(?:%(?:\\{[slodiphcrtv]\\d*r?[.\\-+,/_=]*\\}|[%_-])|[\\x21-\\x24\\x26-\\x7e])*?(?:\\.(?!\\d+\\.?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.?|%\\{[slodiphcrtv]\\d*r?[.\\-+,/_=]*\\})$/i":
      { longest: 512, because: "the length is looked at first" },
  },
}
/** Code of browsers: what is slow there is slow for whoever wrote it. */
const isBrowsers = (path: string) => path.startsWith("dashboard/") || path.startsWith("widget/")

type Found = { path: string; pattern: string; flags: string; text: string }
type Verdict = { status: "safe" | "vulnerable" | "unknown"; attack?: { string: string }; complexity?: { summary: string; isFuzz: boolean } }

async function expressions(): Promise<Found[]> {
  const found = new Map<string, Found>()
  const transpilers = { ts: new Bun.Transpiler({ loader: "ts" }), tsx: new Bun.Transpiler({ loader: "tsx" }) }
  for (const path of new Glob("**/*.{ts,tsx}").scanSync(source)) {
    if (/\.(test|fixture)\.tsx?$/.test(path) || isBrowsers(path)) continue
    const script = transpilers[path.endsWith("x") ? "tsx" : "ts"].transformSync(await Bun.file(join(source, path)).text())
    for (const token of tokenizer(script, { ecmaVersion: "latest", sourceType: "module" })) {
      if (token.type.label !== "regexp") continue
      const { pattern, flags } = (token as unknown as { value: { pattern: string; flags: string } }).value
      const text = `/${pattern}/${flags}`
      found.set(`${path} ${text}`, { path, pattern, flags, text })
    }
  }
  return [...found.values()]
}

/** Those that are made of parts when their module is loaded, as they are then. */
async function composed(): Promise<Found[]> {
  const found: Found[] = []
  const Usual = globalThis.RegExp
  let path = ""
  const Recording = new Proxy(Usual, {
    construct(target, [pattern, flags = ""]: [string, string?]) {
      // Libraries make theirs too, whoever loads them first.
      const isOurs = new Error().stack?.includes("/node_modules/") !== true
      if (typeof pattern === "string" && isOurs) found.push({ path, pattern, flags, text: `/${pattern}/${flags}` })
      return new target(pattern, flags)
    },
  })
  globalThis.RegExp = Recording
  try {
    for (const one of new Glob("**/*.ts").scanSync(source)) {
      if (/\.(test|fixture)\.ts$/.test(one) || isBrowsers(one)) continue
      if (!(await Bun.file(join(source, one)).text()).includes("new RegExp(")) continue
      path = one
      await import(`${join(source, one)}?composed`)
    }
  } finally {
    globalThis.RegExp = Usual
  }
  return found
}

/** Milliseconds for the input, the least of five times. */
function msFor({ pattern, flags }: Found, input: string): number {
  const times = Array.from({ length: 5 }, () => {
    const expression = new RegExp(pattern, flags)
    const began = performance.now()
    expression.test(input)
    return performance.now() - began
  })
  return Math.min(...times)
}

describe.skipIf(obstacle !== undefined)(`regular expressions${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const verdicts = new Map<Found, Verdict>()
  let made: Found[] = []

  beforeAll(async () => {
    const literal = await expressions()
    made = await composed()
    const all = [...literal, ...made]
    const agent = Bun.spawn([program, "agent"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" })
    const params = { timeout: 20_000, attackTimeout: 2000 }
    // Not waited for: the agent answers while it is asked, and waits itself where nobody reads.
    const asked = (async () => {
      for (const [id, { pattern, flags }] of all.entries()) {
        agent.stdin.write(`${JSON.stringify({ jsonrpc: "2.0+push", id, method: "check", params: { source: pattern, flags, params } })}\n`)
        await agent.stdin.flush()
      }
    })().catch(() => undefined)
    const limit = setTimeout(() => agent.kill(), 150_000)
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of agent.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines.filter((text) => text.includes('"result"'))) {
        const { id, result } = JSON.parse(line) as { id: number; result: Verdict }
        verdicts.set(all[id]!, result)
      }
      if (verdicts.size === all.length) break
    }
    clearTimeout(limit)
    agent.kill()
    await Promise.all([asked, agent.exited])
  }, 180_000)
  afterAll(() => verdicts.clear())

  test("each of those that the server runs was judged", () => {
    expect(verdicts.size).toBeGreaterThan(250)
    expect(made.length).toBeGreaterThan(5)
    const unknown = [...verdicts]
      .filter(([{ path, text }, { status }]) => status === "unknown" && bounded[path]?.[text] === undefined)
      .map(([{ path, text }]) => `${path}: ${text}`)
    expect(unknown).toEqual([])
  })

  test("each takes time in proportion to its input, but for those whose input is bounded", () => {
    const slow = [...verdicts]
      .filter(([found, { status }]) => status === "vulnerable" && bounded[found.path]?.[found.text] === undefined)
      // A search finds what an automaton does not prove: whether it matters, the engine says, at the length of a whole head of a request.
      .filter(([found, { complexity, attack }]) => complexity?.isFuzz !== true || msFor(found, attack?.string.slice(0, 32_768) ?? "") > 100)
      .map(([{ path, text }, { complexity }]) => `${path}: ${text} takes ${complexity?.summary}`)
    expect(slow).toEqual([])
  })

  test("those with a bound are still there, and take no time worth naming within it", () => {
    for (const [path, expected] of Object.entries(bounded)) {
      for (const [text, { longest }] of Object.entries(expected)) {
        const [found, verdict] = [...verdicts].find(([one]) => one.path === path && one.text === text) ?? []
        if (found === undefined) throw new Error(`${path} has no ${text} any more: take it out of the list`)
        const input = (verdict?.attack?.string ?? "").slice(0, longest)
        expect([path, text, msFor(found, input) < 400]).toEqual([path, text, true])
      }
    }
  })
})
