import { AppError } from "../errors"
import { type ListenerHolder, listenerHolders, type Place } from "../listener-holders"

/** Where Freehold will listen; `setting` is what decides that. */
export type Listener = Place & { setting: string }

/** Throws `conflict` where anybody but Freehold, or systemd for it, listens for TCP at one of these already. */
export function refuseTakenPorts(listeners: readonly Listener[]): void {
  // systemd itself holds the ports where freehold.socket is enabled.
  const others = listenerHolders(listeners).filter(({ unit, pid }) => unit !== "freehold.service" && pid !== 1)
  if (others.length > 0) throw new AppError("conflict", others.map(explain).join("; "))
}

function explain({ place: { setting, port }, pid, program, unit }: ListenerHolder<Listener>): string {
  const who = pid === undefined ? program : `${program} (process ${pid}${unit === undefined ? "" : `, ${unit}`})`
  const stop = unit?.endsWith(".service") === true ? `"systemctl disable --now ${unit}"` : "end it"
  return `port ${port} is held by ${who}: ${stop}, or give Freehold another port: --${setting.replaceAll("_", "-")}, or ${setting} in /etc/freehold/freehold.toml where that is there`
}
