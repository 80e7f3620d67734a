/** What one name server said about a TXT name; the shape of the resolver's answers. */
type Answer = { server: string; outcome: string; values: string[] }

/** Asks for the TXT records of a name at every authoritative server. */
export type TxtLookup = (name: string) => Promise<{ answers: Answer[]; via: "authoritative" | "doh"; problem?: string }>

/** Whether the record is there, and in one sentence what was found where. */
export type Proof = { proven: boolean; detail: string }

/** The check behind every verification, of mappings and connections: one server that shows the token is proof, because only its owner can write there. */
export async function checkProof(lookup: TxtLookup, name: string, token: string): Promise<Proof> {
  const found = await lookup(name)
  const proven = found.answers.some((answer) => answer.outcome === "answer" && answer.values.some((value) => value.trim() === token))
  const said = [...Map.groupBy(found.answers, (answer) => describeAnswer(answer, token))]
    .map(([what, by]) => `${names(by)} ${what}`)
    .join("; ")
  const source = found.via === "doh" ? " (asked over DNS-over-HTTPS, so the answer may be cached)" : ""
  const parts = [said, found.problem].filter((part) => part !== undefined && part !== "")
  return { proven, detail: `TXT ${name}: ${parts.length === 0 ? "no server could be asked" : parts.join("; ")}${source}` }
}

/** Servers that said the same are named together, and not all of them where there are many. */
function names(answers: Answer[]): string {
  const servers = [...new Set(answers.map((answer) => answer.server))]
  if (servers.length <= 4) return servers.join(", ")
  return `${servers.slice(0, 3).join(", ")} and ${servers.length - 3} others`
}

function describeAnswer(answer: Answer, token: string): string {
  switch (answer.outcome) {
    case "answer":
      return describeValues(answer.values, token)
    case "nodata":
      return "answered that the name has no TXT record"
    case "nxdomain":
      return "answered NXDOMAIN"
    case "servfail":
      return "answered SERVFAIL"
    case "refused":
      return "refused to answer"
    case "lame":
      return "answered without authority for the zone"
    case "malformed":
      return "sent an answer that cannot be read"
    default:
      return "could not be reached"
  }
}

function describeValues(values: string[], token: string): string {
  if (values.some((value) => value.trim() === token)) return "answered the expected TXT record"
  const shown = values.slice(0, 3).map((value) => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value))
  return values.length === 1
    ? `answered a TXT record with another value, ${shown[0]}`
    : `answered ${values.length} TXT records with other values, ${shown.join(", ")}`
}
