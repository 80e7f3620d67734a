import containers from "../../systemd/freehold-containers.conf" with { type: "text" }
import backupService from "../../systemd/freehold-backup.service" with { type: "text" }
import backupTimer from "../../systemd/freehold-backup.timer" with { type: "text" }
import httpSocket from "../../systemd/freehold-http.socket" with { type: "text" }
import service from "../../systemd/freehold.service" with { type: "text" }
import socket from "../../systemd/freehold.socket" with { type: "text" }

/** Where `freehold install` puts the program, as the units name it. */
export const installedProgram = "/usr/local/bin/freehold"

/** Where the package puts it. */
export const packagedProgram = "/usr/bin/freehold"

/** Every unit by its file name, as `systemd/` has it. */
export const units: Record<string, string> = {
  "freehold.service": service,
  "freehold-backup.service": backupService,
  "freehold-backup.timer": backupTimer,
  "freehold.socket": socket,
  "freehold-http.socket": httpSocket,
}

/** What starts with the machine. The sockets are there for whoever enables them. */
export const enabledUnits: Record<string, string> = {
  "freehold.service": "multi-user.target",
  "freehold-backup.timer": "timers.target",
}

/** The drop-in that lets the service use a container engine. */
export const containersDropIn: { path: string; text: string } = {
  path: "/etc/systemd/system/freehold.service.d/containers.conf",
  text: containers,
}

/** The units for a program that is installed somewhere else, as in a package. */
export function unitsFor(program: string): Record<string, string> {
  return Object.fromEntries(Object.entries(units).map(([name, text]) => [name, text.replaceAll(installedProgram, program)]))
}
