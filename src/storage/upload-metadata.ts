import { AppError } from "../errors"

/** What a tus client says of a file in `Upload-Metadata`: pairs of a key and Base64, by commas. Throws `invalid`. */
export function parseMetadata(header: string | null): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const pair of (header ?? "").split(",")) {
    const [key = "", value = "", more] = pair.trim().split(" ")
    if (key === "" && pair.trim() === "") continue
    if (more !== undefined || !/^[\x21-\x2b\x2d-\x7e]+$/.test(key) || Object.hasOwn(metadata, key)) throw bad()
    metadata[key] = decode(value)
  }
  return metadata
}

function decode(base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw bad()
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64"))
  } catch {
    throw bad()
  }
}

const bad = () => new AppError("invalid", "Upload-Metadata must be pairs of a key and Base64 of UTF-8, with commas between them")
