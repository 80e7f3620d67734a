/** The variables of a .env file, in their order: `export` before a name, comments, and quotes around values are understood; values are not expanded. */
export function parseEnvFile(text: string): [name: string, value: string][] {
  const found: [string, string][] = []
  for (const line of text.split(/\r?\n/)) {
    const [, name, rest = ""] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined) found.push([name, unquote(rest)])
  }
  return found
}

function unquote(text: string): string {
  const [, quote, inside = ""] = /^(["'])(.*?)(?<!\\)\1(?:\s+#.*)?$/.exec(text) ?? []
  if (quote === "'") return inside
  if (quote === '"') return inside.replaceAll(/\\([nrt"\\$])/g, (_, sign: string) => ({ n: "\n", r: "\r", t: "\t" })[sign] ?? sign)
  return text.replace(/(^|\s+)#.*$/, "")
}
