/** The words of a command as a shell would part them: by spaces, with quotes and backslashes; nothing is expanded. Undefined while a quote is open. */
export function parseWords(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ""
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ""
    const isEscape = sign === "\\" && quote !== "'" && at + 1 < text.length && (quote === "" || '"\\'.includes(text[at + 1] ?? ""))
    if (isEscape) word = (word ?? "") + (text[++at] ?? "")
    else if (quote !== "") {
      if (sign === quote) quote = ""
      else word = (word ?? "") + sign
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ""
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? "") + sign
  }
  if (quote !== "") return undefined
  return word === undefined ? words : [...words, word]
}

/** Words as one line that `parseWords` reads back as they were. */
export const joinWords = (words: string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ")
