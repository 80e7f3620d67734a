import { UsageError } from "./arguments"
import { printable } from "./output"

export type Place = { namespace: string; key: string }

/** `NAMESPACE[/NAME]`; without a name the key is empty. Throws UsageError. */
export function parsePlace(text: string): Place {
  const at = text.indexOf("/")
  const namespace = at < 0 ? text : text.slice(0, at)
  if (namespace === "") throw new UsageError(`"${printable(text)}" begins with no namespace: it is NAMESPACE or NAMESPACE/NAME`)
  return { namespace, key: at < 0 ? "" : text.slice(at + 1) }
}
