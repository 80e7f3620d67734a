import { join } from "node:path"
import { AppError } from "../errors"
import { type SettingKey, settings as knownSettings } from "../settings"
import { configuration, configurationFile, dataFolder, settingLine } from "./configuration"
import { type Account, isSameFile, type Machine } from "./machine"
import { type Listener, refuseTakenPorts } from "./port-holders"
import { type Outcome, runSteps, type Step } from "./step"
import { containersDropIn, enabledUnits, installedProgram, units } from "./units"

export const userName = "freehold"
export const backupFolder = "/var/backups/freehold"
export const credentialFolder = "/etc/credstore"
export const previousProgram = `${installedProgram}.previous`
export const unitFolder = "/etc/systemd/system"
/** Where a package keeps the units. */
export const packagedUnit = "/usr/lib/systemd/system/freehold.service"

const root: Account = { user: 0, group: 0 }
// What containers keep belongs to users of theirs.
const foreign = ["volumes"]

export type InstallOptions = {
  machine: Machine
  /** The compiled binary that is to be installed. */
  program: string
  /** For the configuration file, where there is none yet. */
  settings: Partial<Record<SettingKey, string>>
  /** Public keys of age for the daily backup. */
  backupRecipients: readonly string[]
  withContainers: boolean
  /** Where Freehold will listen, by the setting that says so. */
  listeners: readonly Listener[]
  isDry: boolean
  /** A package brings the program, the units and the configuration; the rest is done here. */
  isPackaged: boolean
  said: (outcome: Outcome) => void
}

/** Installs, or upgrades, step by step; what is there already stays. Throws AppError, saying what stands in the way. */
export function install(options: InstallOptions): { outcomes: Outcome[]; hasBackupKey: boolean } {
  const { machine, isDry, isPackaged } = options
  if (!isPackaged && machine.has(packagedUnit))
    throw new AppError("conflict", `Freehold was installed by its package here: upgrade it with apt, or "apt remove freehold" first`)
  refuseOtherSettings(machine, options.settings)
  if (!machine.isImage && !isPackaged) refuseTakenPorts(options.listeners)
  const files = isPackaged ? [configurationStep(options)] : fileSteps(options)
  const outcomes = runSteps([...accountSteps(machine), ...files], isDry, options.said)
  if (!isPackaged) {
    const needsStart = outcomes.some(({ what, changed }) => changed && isUnitWord(what))
    outcomes.push(...runSteps(serviceSteps(machine, needsStart), isDry, options.said))
  }
  return {
    outcomes,
    hasBackupKey: ["backup_recipient", knownSettings.backup_recipient.formerCredential, "backup_passphrase"].some((name) =>
      [credentialFolder, `${credentialFolder}.encrypted`].some((folder) => machine.has(join(folder, `freehold.${name}`))),
    ),
  }
}

const credential = (name: string) => join(credentialFolder, `freehold.${name}`)

const programWord = `the program ${installedProgram}`
const unitWord = (name: string) => `the unit ${name}`
const isUnitWord = (what: string) => what.startsWith("the unit ") || what.startsWith("the drop-in ")

/** The configuration is the operator's once it is there. */
function refuseOtherSettings(machine: Machine, settings: InstallOptions["settings"]): void {
  const present = machine.read(configurationFile)
  if (present === undefined) return
  const lines = Object.entries(settings).map(([key, value]) => settingLine(key, value))
  const missing = lines.filter((line) => !present.split("\n").includes(line))
  if (missing.length > 0)
    throw new AppError(
      "conflict",
      `${configurationFile} is there already and stays as it is: put ${missing.join(" and ")} into it, then "systemctl restart freehold"`,
    )
}

function accountSteps(machine: Machine): Step[] {
  return [
    {
      what: `the user and the group ${userName}`,
      undo: `userdel ${userName}`,
      isDone: () => machine.account(userName) !== undefined,
      apply: () => {
        const image = machine.isImage ? [`--root=${machine.root}`] : []
        machine.run(["systemd-sysusers", ...image, "--inline", `u ${userName} - "Freehold" ${dataFolder}`])
      },
    },
    ...[dataFolder, backupFolder].map((path): Step => ({
      what: `the folder ${path}, for the user ${userName} alone`,
      undo: `rm -r ${path}, which deletes what is in it`,
      isDone: () => {
        const account = machine.account(userName)
        return account !== undefined && machine.has(path) && owned(machine, path).every((one) => machine.isOwned(one, account))
      },
      apply: () => {
        machine.folder(path, 0o700, accountOf(machine))
        machine.giveTo(path, accountOf(machine), foreign)
      },
    })),
    {
      what: `the folder ${credentialFolder}, for secrets`,
      undo: `rmdir ${credentialFolder}`,
      isDone: () => machine.has(credentialFolder),
      apply: () => machine.folder(credentialFolder, 0o700, root),
    },
  ]
}

const owned = (machine: Machine, path: string) => [
  path,
  ...machine
    .list(path)
    .filter((name) => !foreign.includes(name))
    .map((name) => join(path, name)),
]

function accountOf(machine: Machine): Account {
  const account = machine.account(userName)
  if (account === undefined)
    throw new AppError("unavailable", `the user ${userName} is not in /etc/passwd and /etc/group of ${machine.root}`)
  return account
}

function fileSteps(options: InstallOptions): Step[] {
  const { machine, program, withContainers, backupRecipients } = options
  const dropIns = withContainers ? [{ ...containersDropIn, what: `the drop-in ${containersDropIn.path}` }] : []
  const unitFiles = Object.entries(units).map(([name, text]) => ({ path: join(unitFolder, name), text, what: unitWord(name) }))
  return [
    ...(backupRecipients.length > 0 ? [recipientsStep(machine, backupRecipients)] : []),
    configurationStep(options),
    {
      what: programWord,
      undo: `rm ${installedProgram}; "freehold install --rollback" brings the one before back`,
      isDone: () => isSameFile(program, machine.at(installedProgram)),
      apply: () => {
        if (machine.has(installedProgram)) machine.alias(installedProgram, previousProgram)
        machine.copy(program, installedProgram, { mode: 0o755 })
      },
    },
    ...[...unitFiles, ...dropIns].map(({ path, text, what }) => ({
      what,
      undo: `rm ${path} && systemctl daemon-reload`,
      isDone: () => machine.read(path) === text,
      apply: () => machine.write(path, text, { mode: 0o644, owner: root }),
    })),
  ]
}

/** Made where it is missing, and in any case the service may read it and others may not. */
function configurationStep({ machine, settings }: InstallOptions): Step {
  const owner = (): Account => ({ user: 0, group: accountOf(machine).group })
  return {
    what: `the configuration ${configurationFile}`,
    undo: `rm ${configurationFile}`,
    isDone: () => machine.has(configurationFile) && machine.account(userName) !== undefined && machine.isOwned(configurationFile, owner()),
    apply: () => {
      const text = machine.read(configurationFile) ?? configuration(settings)
      machine.write(configurationFile, text, { mode: 0o640, owner: owner() })
    },
  }
}

function recipientsStep(machine: Machine, recipients: readonly string[]): Step {
  const [path, former] = [credential("backup_recipient"), credential(knownSettings.backup_recipient.formerCredential)]
  const text = `${recipients.join("\n")}\n`
  return {
    what: `the public keys of backups ${path}`,
    undo: `rm ${path}`,
    isDone: () => machine.read(path) === text && !machine.has(former),
    apply: () => {
      machine.write(path, text, { mode: 0o600, owner: root })
      machine.remove(former)
    },
  }
}

function serviceSteps(machine: Machine, needsStart: boolean): Step[] {
  const starting = Object.entries(enabledUnits).map(([name, target]): Step => ({
    what: `${name} starts with the machine`,
    undo: `systemctl disable ${name}`,
    isDone: () => machine.has(join(unitFolder, `${target}.wants`, name)),
    apply: () => void machine.systemctl("enable", name),
  }))
  if (machine.isImage) return starting
  return [
    ...starting,
    {
      what: "freehold.service runs this version",
      undo: "systemctl stop freehold.service",
      isDone: () => !needsStart && machine.isActive("freehold.service") && machine.programOf("freehold.service") === installedProgram,
      apply: () => startService(machine),
    },
    {
      what: "freehold-backup.timer waits for its hour",
      undo: "systemctl stop freehold-backup.timer",
      isDone: () => machine.isActive("freehold-backup.timer"),
      apply: () => void machine.systemctl("start", "freehold-backup.timer"),
    },
  ]
}

/** (Re)starts the service and waits until it says that it is up. Throws `unavailable` with the end of its log. */
export function startService(machine: Machine): void {
  machine.systemctl("daemon-reload")
  // One that failed too often is not started again before this.
  machine.try(["systemctl", "reset-failed", "freehold.service"])
  if (machine.try(["systemctl", "restart", "freehold.service"]).ok) return
  const log = machine.try(["journalctl", "--unit=freehold.service", "--output=cat", "--no-pager", "--lines=20"]).output
  const errors = log.split("\n").filter((line) => line.startsWith("error: "))
  const back = machine.has(previousProgram) ? `, or go back to the version before: "freehold install --rollback"` : ""
  throw new AppError(
    "unavailable",
    `freehold.service did not start: ${errors.at(-1)?.slice("error: ".length) ?? (log.split("\n").at(-1) || "its log is empty")}. See "journalctl -u freehold", put it right and run "systemctl start freehold"${back}`,
  )
}
