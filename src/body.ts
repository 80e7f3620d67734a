import { AppError } from "./errors"

const maxBodyBytes = 64 * 1024

/**
 * The JSON object in a request's body, whatever its content type says. Throws `invalid` with `message` when it is not a JSON object, and
 * `too_large` past 64 KiB, which no request of these APIs comes near.
 */
export async function readJsonObject(request: Request, message: string): Promise<Record<string, unknown>> {
  const value = parseJson(await readText(request))
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new AppError("invalid", message)
  return value as Record<string, unknown>
}

/** The body as text, with the same bound. */
export async function readText(request: Request): Promise<string> {
  const decoder = new TextDecoder()
  let text = ""
  let size = 0
  if (request.body === null) return text
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxBodyBytes) throw new AppError("too_large", `the request body is larger than ${maxBodyBytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
