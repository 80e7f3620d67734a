/** Paths, one on a line. */
export const pathsOf = (text: string): string[] =>
  text
    .split("\n")
    .map((path) => path.trim())
    .filter(Boolean)
