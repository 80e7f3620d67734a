import { type FlagKind, type Flags, parseFlags } from "./arguments"

/**
 * Splits the command line of a verb that works on this machine: flags of its own, what is no flag, and settings, which are for `loadConfig`. A setting
 * is any other flag, with its value behind it or after `=`.
 */
export function splitSettings(args: string[], own: Record<string, FlagKind>): { flags: Flags; rest: string[]; settings: string[] } {
  const [mine, settings]: [string[], string[]] = [[], []]
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ""
    const name = word.startsWith("--") ? word.slice(2).split("=")[0] : undefined
    const to = name === undefined || name === "" || Object.hasOwn(own, name) || word === "-h" ? mine : settings
    to.push(word)
    const takesValue = to === settings || (name !== undefined && own[name] !== undefined && own[name] !== "switch")
    const next = args[at + 1]
    if (takesValue && !word.includes("=") && next !== undefined) {
      to.push(next)
      at++
    }
  }
  return { ...parseFlags(mine, own, { h: "help" }), settings }
}
