import { join } from "node:path"
import { AppError } from "../errors"
import { configurationFile, dataFolder } from "./configuration"
import { backupFolder, credentialFolder, packagedUnit, previousProgram, unitFolder, userName } from "./install"
import type { Machine } from "./machine"
import { type Outcome, runSteps, type Step } from "./step"
import { containersDropIn, enabledUnits, installedProgram, units } from "./units"

export type UninstallOptions = {
  machine: Machine
  /** Data, configuration, secrets and the user go too. Backups stay whatever is said. */
  isPurge: boolean
  isDry: boolean
  said: (outcome: Outcome) => void
}

/** Stops Freehold and removes what `install` made. Throws `conflict` where a package did it. */
export function uninstall({ machine, isPurge, isDry, said }: UninstallOptions): { outcomes: Outcome[]; kept: string[] } {
  if (machine.has(packagedUnit))
    throw new AppError(
      "conflict",
      `Freehold was installed by its package here: "apt remove freehold", or "apt purge freehold" with its data`,
    )
  const files = [...Object.keys(units).map((name) => join(unitFolder, name)), containersDropIn.path, installedProgram, previousProgram]
  const outcomes = runSteps(
    [
      ...Object.keys(units).flatMap((name) => unitSteps(machine, name)),
      ...files.map((path) => removal(machine, path, `${path} is removed`)),
      ...(machine.isImage ? [] : [forgotten(machine, files)]),
      ...(isPurge ? purgeSteps(machine) : []),
    ],
    isDry,
    said,
  )
  const left = [dataFolder, backupFolder, configurationFile, ...secretsOf(machine)].filter((path) => machine.has(path))
  return { outcomes, kept: left }
}

function unitSteps(machine: Machine, name: string): Step[] {
  const target = enabledUnits[name]
  const enabled = ["multi-user.target", "timers.target", "sockets.target"].map((one) => join(unitFolder, `${one}.wants`, name))
  return [
    {
      what: `${name} is stopped`,
      undo: "freehold install",
      isDone: () => !machine.isActive(name),
      apply: () => void machine.systemctl("stop", name),
    },
    {
      what: `${name} does not start with the machine`,
      undo: target === undefined ? `systemctl enable ${name}` : "freehold install",
      isDone: () => !enabled.some((path) => machine.has(path)),
      apply: () => void machine.systemctl("disable", name),
    },
  ]
}

const removal = (machine: Machine, path: string, what: string): Step => ({
  what,
  undo: path.startsWith("/etc/systemd") || path.startsWith("/usr/local/bin") ? "freehold install" : "restore a backup",
  isDone: () => !machine.has(path),
  apply: () => machine.remove(path),
})

/** systemd forgets units whose files are gone. */
function forgotten(machine: Machine, files: readonly string[]): Step {
  let wasThere = files.some((path) => machine.has(path))
  return {
    what: "systemd has forgotten the units",
    undo: "freehold install",
    isDone: () => !wasThere,
    apply: () => {
      machine.systemctl("daemon-reload")
      machine.try(["systemctl", "reset-failed", ...Object.keys(units)])
      wasThere = false
    },
  }
}

const secretsOf = (machine: Machine) =>
  machine
    .list(credentialFolder)
    .filter((name) => name.startsWith("freehold."))
    .map((name) => join(credentialFolder, name))

function purgeSteps(machine: Machine): Step[] {
  const dropIns = join(unitFolder, "freehold.service.d")
  return [
    ...[dataFolder, "/etc/freehold", dropIns, ...secretsOf(machine)].map((path) => removal(machine, path, `${path} is deleted`)),
    {
      what: `${backupFolder} belongs to root`,
      undo: "freehold install",
      isDone: () => !machine.has(backupFolder) || machine.isOwned(backupFolder, { user: 0, group: 0 }),
      apply: () => machine.giveTo(backupFolder, { user: 0, group: 0 }),
    },
    {
      what: `the user and the group ${userName} are removed`,
      undo: "freehold install",
      isDone: () => machine.account(userName) === undefined,
      apply: () => {
        const image = machine.isImage ? ["--prefix", machine.root] : []
        machine.run(["userdel", ...image, userName])
        // Where the group was not the user's own, userdel leaves it.
        machine.try(["groupdel", ...image, userName])
      },
    },
  ]
}
