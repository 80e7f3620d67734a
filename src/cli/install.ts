import { existsSync } from "node:fs"
import { AppError } from "../errors"
import { credentialFolder, install } from "../install/install"
import { Machine } from "../install/machine"
import { rollBack } from "../install/rollback"
import type { Outcome } from "../install/step"
import { type Setting, type SettingKey, settings as knownSettings } from "../settings"
import { type Flags, UsageError } from "./arguments"
import { readConfig } from "./backup"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { splitSettings } from "./local-command"

const own = {
  "backup-recipient": "list",
  containers: "switch",
  rollback: "switch",
  "restore-store": "switch",
  packaged: "switch",
  root: "text",
  "dry-run": "switch",
  help: "switch",
} as const

/** `freehold install`: this binary as a service of the machine, or a newer version in place of the one that is there; `--rollback` the other way. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("install", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("install"))
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many`)
    const machine = machineOf(flags)
    const isDry = flags.has("dry-run")
    if (flags.has("rollback")) {
      const { dataDir } = readConfig(settings)
      return rollBack({ machine, dataDir, restoreStore: flags.has("restore-store"), isDry, said: (line) => io.out(`${line}\n`) })
    }
    if (flags.has("restore-store")) throw new UsageError("--restore-store goes with --rollback")
    const recipients = flags.list("backup-recipient")
    for (const one of recipients)
      if (!/^age1[0-9a-z]{20,}$/.test(one))
        throw new UsageError(`--backup-recipient is a public key of age, which begins with age1, not "${one.slice(0, 80)}"`)
    // As the service will read them, whose secrets come from there.
    const config = readConfig(settings, { CREDENTIALS_DIRECTORY: machine.at(credentialFolder) })
    const { outcomes, hasBackupKey } = install({
      machine,
      program: compiledBinary(),
      settings: given(settings),
      backupRecipients: recipients,
      withContainers: flags.has("containers"),
      listeners: [
        { setting: "http_listen", ...config.httpListen },
        { setting: "https_listen", ...config.httpsListen },
        { setting: "api_listen", ...config.apiListen },
        ...(config.dnsListen === undefined ? [] : [{ setting: "dns_listen", ...config.dnsListen }]),
      ],
      isDry,
      isPackaged: flags.has("packaged"),
      said: sayer(io, isDry),
    })
    const changes = outcomes.filter(({ changed }) => changed).length
    if (changes === 0) io.out(`Nothing was changed: Freehold ${io.version} is installed${machine.isImage ? ` in ${machine.root}` : ""}.\n`)
    else if (isDry) io.out(`${changes} of ${outcomes.length} things would be done; nothing was changed.\n`)
    else io.out(`Freehold ${io.version} is installed. To undo all of it and keep the data: freehold uninstall\n`)
    if (!hasBackupKey && config.backup.key === undefined && !flags.has("packaged") && !isDry) io.out(noBackupKey)
    if (!machine.isImage && !isDry && !flags.has("packaged") && changes > 0) io.out(setupLink(machine))
  })

const noBackupKey = `The daily backup has no key yet, and fails until it has one: "age-keygen -o key.txt" on another machine makes a pair; then here
  freehold install --backup-recipient age1...
`

/** Where `--root` leads, or this machine; throws `forbidden` or `unavailable` where it cannot be installed on. */
export function machineOf(flags: Flags): Machine {
  const root = flags.text("root")
  if (process.getuid?.() !== 0)
    throw new AppError("forbidden", `this changes the system's users, services and programs, so only root may do it: use sudo`)
  // A package is also installed where nothing runs yet.
  if (root === undefined && !flags.has("packaged") && !existsSync("/run/systemd/system"))
    throw new AppError(
      "unavailable",
      `this machine does not run systemd, which would start Freehold and give it its ports: run "freehold serve" by what starts services here, or prepare an image with --root FOLDER`,
    )
  if (root !== undefined && !existsSync(root)) throw new AppError("not_found", `--root: there is no folder ${root}`)
  return new Machine(root)
}

/** One line for each step, with what takes it back. */
export const sayer =
  (io: CommandIo, isDry: boolean) =>
  ({ what, undo, changed }: Outcome): void =>
    io.out(changed ? `${isDry ? "would do " : "done     "} ${what}\n           undo: ${undo}\n` : `is there  ${what}\n`)

function compiledBinary(): string {
  // What `bun build --compile` made has its program in a file system of its own.
  if (!Bun.main.startsWith("/$bunfs/"))
    throw new AppError("invalid", `only the compiled binary can be installed: run "dist/freehold install"`)
  return process.execPath
}

/** Settings for the configuration file, which `readConfig` found to be right. */
function given(args: readonly string[]): Partial<Record<SettingKey, string>> {
  const found: Record<string, string> = {}
  for (let at = 0; at < args.length; at++) {
    const [flag = "", ...inline] = (args[at] ?? "").slice(2).split("=")
    const key = flag.replaceAll("-", "_")
    if (key === "config" || key === "data_dir") throw new UsageError(`--${flag} is not for install: freehold.service has its own`)
    if ((knownSettings as Record<string, Setting<unknown>>)[key]?.secret === true)
      throw new UsageError(`--${flag} is a secret: put it into /etc/credstore/freehold.${key}, a file that root alone can read`)
    found[key] = inline.length > 0 ? inline.join("=") : (args[++at] ?? "")
  }
  return found
}

/** The one-time link of the first start, which the journal has while nobody is set up. */
function setupLink(machine: Machine): string {
  const log = machine.try([
    "journalctl",
    "--unit=freehold.service",
    "--output=cat",
    "--no-pager",
    "--lines=50",
    "_PID=" + mainPid(machine),
  ]).output
  const link = /https?:\/\/[^\s/]+\/setup\/[\w-]+/.exec(log)?.[0]
  return link === undefined ? "" : `Nobody is set up yet. Open this link once, within 24 hours:\n\n  ${link}\n\n`
}

const mainPid = (machine: Machine) => machine.try(["systemctl", "show", "--property=MainPID", "--value", "freehold.service"]).output
