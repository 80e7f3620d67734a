/** What a mapping's `detail` says of one name server; servers that said the same are named together. */
export function saidBy(detail: string | undefined, server: string): string | undefined {
  for (const part of (detail ?? "").replace(/^TXT \S+: /, "").split("; ")) {
    const [, servers = "", words] = /^((?:[^\s,]+, )*[^\s,]+) (.*)$/.exec(part) ?? []
    if (servers.split(", ").includes(server)) return words
  }
  return undefined
}
