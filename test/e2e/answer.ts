import type { Ending } from "./program"

/** An HTTP answer, read to its end. */
export type Answer = { status: number; headers: Headers; text: string }

/** How curl ended, and the answer where there was one; status 0 where there was none. */
export type CurlEnding = Ending & Answer

/** Takes apart what `curl --include` printed. */
export function parseCurl(ending: Ending): CurlEnding {
  const end = ending.out.indexOf("\r\n\r\n")
  if (end < 0) return { ...ending, status: 0, headers: new Headers(), text: "" }
  const [first = "", ...lines] = ending.out.slice(0, end).split("\r\n")
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(":")
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { ...ending, status: Number(first.split(" ")[1]), headers, text: ending.out.slice(end + 4) }
}
