import { expect, test } from "bun:test"
import { run as completion, flagsIn } from "./completion"
import { run as containers } from "./containers"
import { run as domains } from "./domains"
import { helpText, overview, run, verbs } from "./help"
import type { CommandIo } from "./io"
import { run as mappings } from "./mappings"
import { run as certificates } from "./certificates"
import { run as people } from "./people"
import { run as serviceAccounts } from "./service-accounts"
import { run as sshKeys } from "./ssh-keys"
import { run as tokens } from "./tokens"
import { run as version } from "./version"

const apiVerbs: Record<string, typeof run> = {
  domains,
  mappings,
  containers,
  "ssh-keys": sshKeys,
  tokens,
  "service-accounts": serviceAccounts,
  certificates,
  people,
}

function console() {
  const said = { out: "", err: "" }
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async () => "",
    environment: { configFolder: "/nonexistent", server: "http://127.0.0.1:1", token: "t" },
    version: "1.2.3",
  }
  return { io, said }
}

test("the list names every verb with its line", () => {
  for (const { name, summary } of verbs)
    expect(overview()).toMatch(new RegExp(`^  ${name} +${summary.replaceAll(/[.*()]/g, "\\$&")}$`, "m"))
})

test.each(verbs.map(({ name }) => name))("help %s prints how to use it", async (name) => {
  const { io, said } = console()
  expect(await run([name], io)).toBe(0)
  expect(said.out).toBe(helpText(name))
  expect(said.out).toContain(`usage: freehold ${name}`)
})

test.each([
  [["nope"], 'unknown verb "nope"'],
  [["--nope"], "unknown flag --nope"],
  [["serve", "demo"], '"demo" is one argument too many'],
])("help %p is refused", async (args, message) => {
  const { io, said } = console()
  expect(await run(args, io)).toBe(2)
  expect(said.err).toBe(`error: ${message}\nusage: freehold help [VERB]\n`)
})

const documented = verbs.flatMap(({ name, usage }) =>
  name in apiVerbs ? Object.entries(usage).flatMap(([command, line]) => flagsIn(line).map((flag) => [name, command, flag])) : [],
)

test.each(documented)("%s %s knows its documented flag %s", async (verb, command, flag) => {
  const { io, said } = console()
  expect(await apiVerbs[verb ?? ""]?.([command ?? "", flag ?? "", "--nope"], io)).toBe(2)
  expect(said.err).not.toContain(`unknown flag ${flag}`)
})

test.each(Object.keys(apiVerbs))("%s without a command, with an unknown one and with --help", async (verb) => {
  const { io, said } = console()
  const all = verbs.find(({ name }) => name === verb)?.usage ?? {}
  expect(await apiVerbs[verb]?.([], io)).toBe(2)
  expect(said.err).toStartWith(`error: ${verb} is followed by one of ${Object.keys(all).join(", ")}\nusage: freehold ${verb} `)
  expect(await apiVerbs[verb]?.(["constructor"], io)).toBe(2)
  expect(said.err).toContain('unknown command "constructor"')
  expect(await apiVerbs[verb]?.(["ls", "--help"], io)).toBe(0)
  expect(said.out).toBe(helpText(verb))
})

test("version is one line, or JSON", async () => {
  const { io, said } = console()
  expect([await version([], io), await version(["--json"], io)]).toEqual([0, 0])
  expect(said.out).toMatch(/^freehold 1\.2\.3\n\{"version":"1\.2\.3","store":"\d{4}-[a-z-]+"\}\n$/)
  expect(await version(["--long"], io)).toBe(2)
  expect(said.err).toContain("unknown flag --long")
})

/** Runs bash with the completion script and returns what it offers after the words. */
async function offered(...words: string[]): Promise<string[]> {
  const { io, said } = console()
  await completion(["bash"], io)
  const quoted = words.map((word) => `'${word}'`).join(" ")
  const script = `${said.out}\nCOMP_WORDS=(freehold ${quoted}); COMP_CWORD=${words.length}; _freehold; printf '%s\\n' "\${COMPREPLY[@]}"`
  const shell = Bun.spawn(["bash", "--norc", "-c", script], { stdout: "pipe" })
  return (await new Response(shell.stdout).text()).trim().split("\n")
}

test.skipIf(Bun.which("bash") === null)("bash completes verbs, commands and flags", async () => {
  expect(await offered("ma")).toEqual(["mappings"])
  expect(await offered("mappings", "")).toEqual(["ls", "add", "update", "rm", "verify", "watch"])
  expect(await offered("mappings", "add", "app.test", "--c")).toEqual(["--container"])
  expect(await offered("service-accounts", "token", "c")).toEqual(["create"])
  expect(await offered("help", "serv")).toEqual(["serve", "service-accounts"])
})

test("zsh and fish get every verb, another shell is refused", async () => {
  for (const shell of ["zsh", "fish"]) {
    const { io, said } = console()
    expect(await completion([shell], io)).toBe(0)
    for (const { name } of verbs) expect(said.out).toContain(name)
  }
  const { io, said } = console()
  expect(await completion(["tcsh"], io)).toBe(2)
  expect(said.err).toContain("one of bash, zsh, fish")
})
