/** What one name server said about a TXT name; the shape of the resolver's answers. */
type Answer = { server: string; outcome: string; values: string[] }

type Found = { answers: Answer[]; via: "authoritative" | "doh"; problem?: string }

/** Asks for the TXT records of a name at every authoritative server; with `everyView` wherever any of them refers to, too. */
export type TxtLookup = (name: string, options?: { everyView: boolean }) => Promise<Found>

/** Whether the record is there, and in one sentence what was found where. */
export type Proof = { proven: boolean; detail: string }

/** Outcomes by which a server says what its zone holds; the others say that it could not be asked. */
const telling = new Set(["answer", "nodata", "nxdomain"])

/**
 * The check behind every verification, of mappings and connections: every server that speaks for the zone shows the token. One of them may be in other hands
 * than the zone, since a name server's own domain can lapse and be bought; what it says alone proves nothing.
 */
export async function checkProof(lookup: TxtLookup, name: string, token: string): Promise<Proof> {
  const first = await lookup(name)
  // Who was asked, a single server may have said by referring us on; nobody is believed before all were asked who could refer elsewhere.
  const isSure = first.via === "doh" || !isShown(first.answers, token)
  const found = isSure ? first : together(first, await lookup(name, { everyView: true }), token)
  const proven = isShown(found.answers, token) && (found.via === "doh" || found.problem === undefined)
  const spoken = found.answers.filter(({ outcome }) => telling.has(outcome))
  const said = [...Map.groupBy(found.answers, (answer) => describeAnswer(answer, token))]
    .map(([what, by]) => `${names(by)} ${what}`)
    .join("; ")
  const source = found.via === "doh" ? " (asked over DNS-over-HTTPS, so the answer may be cached)" : ""
  const isSplit = spoken.some((answer) => shows(answer, token)) && !spoken.every((answer) => shows(answer, token))
  const parts = [said, isSplit ? "all of them have to show it" : "", found.problem].filter((part) => part !== undefined && part !== "")
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

/** A look-up that showed the token, with what speaks against it in one that let nobody choose who was asked. */
function together(first: Found, views: Found, token: string): Found {
  const against = views.answers.filter((answer) => telling.has(answer.outcome) && !shows(answer, token))
  const isLost = !views.answers.some((answer) => shows(answer, token))
  const problem = first.problem ?? views.problem ?? (isLost ? "asked once more, no server showed it" : undefined)
  return { ...first, answers: [...first.answers, ...against], ...(problem === undefined ? {} : { problem }) }
}

/** Whether all who speak for the zone show the token, and somebody does. */
function isShown(answers: Answer[], token: string): boolean {
  const spoken = answers.filter(({ outcome }) => telling.has(outcome))
  return spoken.length > 0 && spoken.every((answer) => shows(answer, token))
}

const shows = ({ outcome, values }: Answer, token: string) => outcome === "answer" && values.some((value) => value.trim() === token)

function describeValues(values: string[], token: string): string {
  if (values.some((value) => value.trim() === token)) return "answered the expected TXT record"
  const shown = values.slice(0, 3).map((value) => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value))
  return values.length === 1
    ? `answered a TXT record with another value, ${shown[0]}`
    : `answered ${values.length} TXT records with other values, ${shown.join(", ")}`
}
