import { statSync } from "node:fs"
import { Engine } from "./engine"

/** Where engines put their sockets: rootful Podman first, since it needs no daemon, then Docker. */
const usualSockets = ["/run/podman/podman.sock", "/var/run/docker.sock"]

/**
 * The engine that the setting names (`unix:///path`), undefined for `none`, and without a setting the first of `sockets` that is one.
 * A named socket need not exist yet: the engine may start later. Throws for any other setting.
 */
export function findEngine(setting: string | undefined, sockets: string[] = usualSockets): Engine | undefined {
  if (setting === "none") return undefined
  if (setting === undefined) {
    const found = sockets.find((path) => statSync(path, { throwIfNoEntry: false })?.isSocket())
    return found === undefined ? undefined : new Engine(found)
  }
  const path = /^unix:\/\/(\/.+)$/.exec(setting)?.[1]
  if (path === undefined) throw new Error(`"${setting}" is not unix:///path/to/socket or none`)
  return new Engine(path)
}
