const isBlank = (text: string, at: number) => text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9

/** The text without the blanks and tabs around it (OWS of RFC 9110 section 5.6.3), and no other white space; in time linear in its length, which `/[ \t]+$/` is not. */
export function withoutBlanks(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && isBlank(text, from)) from++
  while (to > from && isBlank(text, to - 1)) to--
  return text.slice(from, to)
}
