/** What an issuer said, in words: of a problem document (RFC 7807) its detail, and those of the names it is about. */
export function problemInWords(text: string): string {
  let problem: unknown
  try {
    problem = JSON.parse(text)
  } catch {
    return text
  }
  const { detail, subproblems } = (problem ?? {}) as { detail?: unknown; subproblems?: { detail?: unknown }[] }
  const details = [detail, ...(Array.isArray(subproblems) ? subproblems.map((one) => one?.detail) : [])].filter(
    (one): one is string => typeof one === "string" && one !== "",
  )
  return details.length === 0 ? text : [...new Set(details)].join(" ")
}
