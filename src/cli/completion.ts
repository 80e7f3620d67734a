import { UsageError, parseFlags } from "./arguments"
import { withExitCode } from "./command"
import { type Verb, helpText, verbs } from "./help"
import type { CommandIo } from "./io"

const scripts: Record<string, () => string> = { bash, zsh, fish }

/** Prints a completion script; what it knows is what help says. */
export function run(args: string[], io: CommandIo): Promise<number> {
  return withExitCode("completion", undefined, io, async () => {
    const { flags, rest } = parseFlags(args, { help: "switch" })
    if (flags.has("help")) return void io.out(helpText("completion"))
    const [shell] = rest
    const script = shell !== undefined && Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
    if (script === undefined || rest.length > 1) throw new UsageError("completion is followed by one of bash, zsh, fish")
    io.out(script())
    return 0
  })
}

/** Flags that a usage line names, in its order; `--SETTING` and its like are placeholders. */
export const flagsIn = (usage: string) => [...new Set(usage.match(/--[a-z][a-z-]*/g))]

const commandsOf = (verb: Verb) => Object.keys(verb.usage).filter((name) => name !== "")

/** What may follow a verb or one of its commands as its first argument. */
const wordsAfter: Record<string, string[]> = {
  help: verbs.map(({ name }) => name),
  completion: Object.keys(scripts),
  "service-accounts token": ["create", "ls", "rm"],
  "containers volumes": ["ls", "rm"],
  "containers ingress": ["ls", "add", "rm"],
  "containers registries": ["ls", "add", "rm"],
  "containers instance-types": ["ls", "put", "rm"],
  "storage keys": ["ls", "add", "rm"],
}

/** Words by what stands before them: the verb, or the verb and its command. */
function words(): [after: string, words: string[]][] {
  return verbs.flatMap((verb) => {
    const perCommand = commandsOf(verb).map((command): [string, string[]] => {
      const after = `${verb.name} ${command}`
      return [after, [...(wordsAfter[after] ?? []), ...flagsIn(verb.usage[command] ?? "")]]
    })
    return [
      [verb.name, [...commandsOf(verb), ...(wordsAfter[verb.name] ?? []), ...flagsIn(verb.usage[""] ?? "")]] as [string, string[]],
      ...perCommand,
    ]
  })
}

/** Shell words of a `case` over "verb command", the more exact first. */
const cases = (indent: string, line: (words: string) => string) =>
  words()
    .filter(([, list]) => list.length > 0)
    .sort(([a], [b]) => b.split(" ").length - a.split(" ").length)
    .map(([after, list]) => `${indent}"${after}"${after.includes(" ") ? "" : "*"}) ${line(list.join(" "))} ;;\n`)
    .join("")

function bash(): string {
  return `_freehold() {
  local words
  COMPREPLY=()
  if [ "$COMP_CWORD" -le 1 ]; then
    words="${verbs.map(({ name }) => name).join(" ")}"
  else
    local path="\${COMP_WORDS[1]}"
    [ "$COMP_CWORD" -gt 2 ] && path="$path \${COMP_WORDS[2]}"
    case "$path" in
${cases("      ", (list) => `words="${list}"`)}      *) words="" ;;
    esac
  fi
  COMPREPLY=( $(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}") )
}
complete -o default -F _freehold freehold
`
}

function zsh(): string {
  return `#compdef freehold
_freehold() {
  local path_so_far
  if (( CURRENT <= 2 )); then
    compadd -- ${verbs.map(({ name }) => name).join(" ")}
    return
  fi
  path_so_far="\${words[2]}"
  (( CURRENT > 3 )) && path_so_far="$path_so_far \${words[3]}"
  case "$path_so_far" in
${cases("    ", (list) => `compadd -- ${list}`)}    *) _files ;;
  esac
}
compdef _freehold freehold
`
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
  const lines = verbs.map(({ name, summary }) => `complete -c freehold -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`)
  for (const verb of verbs) {
    const commands = [...commandsOf(verb), ...(wordsAfter[verb.name] ?? [])]
    const inVerb = `__fish_seen_subcommand_from ${verb.name}`
    if (commands.length > 0) {
      const none = `${inVerb}; and not __fish_seen_subcommand_from ${commands.join(" ")}`
      lines.push(`complete -c freehold -f -n ${quoted(none)} -a ${quoted(commands.join(" "))}`)
    }
    for (const [command, usage] of Object.entries(verb.usage)) {
      const condition = command === "" ? inVerb : `${inVerb}; and __fish_seen_subcommand_from ${command}`
      for (const flag of flagsIn(usage)) lines.push(`complete -c freehold -n ${quoted(condition)} -l ${flag.slice(2)}`)
    }
  }
  return `${lines.join("\n")}\n`
}
