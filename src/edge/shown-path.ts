/** A path longer than this is cut: what is shown is for people. */
const longestPath = 400
const longestQuery = 200

/**
 * A request's target as its hostname's holder may watch it: the path, and of a query the names of its parameters with `…` for each value, since tokens
 * travel there; what has no name is a value.
 */
export function shownPath(target: string): string {
  const at = target.indexOf("?")
  const path = at < 0 ? target : target.slice(0, at)
  return cut(path, longestPath) + (at < 0 ? "" : `?${shownQuery(target.slice(at + 1))}`)
}

function shownQuery(query: string): string {
  // What is left of a pair that was cut in the middle may be a value.
  const whole = query.length <= longestQuery ? query : query.slice(0, Math.max(query.lastIndexOf("&", longestQuery), 0))
  const names = whole === "" ? [] : whole.split("&").map((pair) => (pair.includes("=") ? `${pair.slice(0, pair.indexOf("="))}=…` : "…"))
  return [...names, ...(whole === query ? [] : ["…"])].join("&")
}

const cut = (text: string, length: number) => (text.length <= length ? text : `${text.slice(0, length)}…`)
