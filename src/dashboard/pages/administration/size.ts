const units = ["K", "M", "G", "T"]

/** Bytes of `500M`, `10G`, `2T`, in units of 1024; null for nothing, undefined for what is neither. */
export function parseSize(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === "") return null
  const [, digits, unit = ""] = /^(\d{1,12})([KMGT]?)i?B?$/i.exec(trimmed) ?? []
  return digits === undefined ? undefined : Number(digits) * 1024 ** (units.indexOf(unit.toUpperCase()) + 1)
}

/** The shortest text that `parseSize` reads as this. */
export function sizeText(bytes: number | null): string {
  if (bytes === null) return ""
  const power = [4, 3, 2, 1].find((power) => bytes > 0 && bytes % 1024 ** power === 0) ?? 0
  return `${bytes / 1024 ** power}${units[power - 1] ?? ""}`
}
