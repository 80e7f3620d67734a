/** Text of another system made safe for a terminal: control characters, which could move the cursor or rewrite lines, become `?`. */
export function printable(value: unknown): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return String(value ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?")
}

/** Columns padded to their widest cell, with a heading; `empty` stands alone when there are no rows. */
export function table(headings: string[], rows: unknown[][], empty: string): string {
  if (rows.length === 0) return `${empty}\n`
  const cells = [headings, ...rows.map((row) => row.map((cell) => printable(cell) || "-"))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))))
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
      .join("  ")
      .trimEnd()
  return `${cells.map(line).join("\n")}\n`
}

/** `name: value` lines of one thing, values aligned; undefined values are left out. */
export function fields(values: Record<string, unknown>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "")
  const width = Math.max(0, ...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${`${name}:`.padEnd(width + 1)} ${printable(value)}\n`).join("")
}

/** A size for people, in units of 1024. */
export function bytes(count: unknown): string {
  if (typeof count !== "number" || !(count >= 0)) return "-"
  const unit = Math.min(Math.max(Math.floor(Math.log2(count || 1) / 10), 0), 4)
  if (unit === 0) return `${count} B`
  const value = count / 1024 ** unit
  return `${value.toFixed(value < 10 ? 1 : 0)} ${" KMGT"[unit]}iB`
}

/** Unix seconds as a date for people; 0 and nothing are `absent`. */
export function date(unixSeconds: unknown, absent: string): string {
  if (typeof unixSeconds !== "number" || unixSeconds <= 0 || unixSeconds > 8e12) return absent
  return `${new Date(unixSeconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`
}
