import { S3Error } from "./errors"

/** A whole number of the query between `least` and `most`; above that `most`, as S3 takes it. Throws InvalidArgument. */
export function numberOf(query: URLSearchParams, name: string, most: number, least = 0): number {
  const text = query.get(name)
  if (text === null || text === "") return most
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (number < least || number > 0x7fffffff)
    throw new S3Error("InvalidArgument", `Argument ${name} must be an integer between ${least} and 2147483647`, {
      ArgumentName: name,
      ArgumentValue: text,
    })
  return Math.min(number, most)
}

/** How keys are shown: `url` or undefined. Throws InvalidArgument. */
export function encodingOf(query: URLSearchParams): string | undefined {
  const encoding = query.get("encoding-type") ?? undefined
  if (encoding !== undefined && encoding !== "url")
    throw new S3Error("InvalidArgument", "Invalid Encoding Method specified in Request", { ArgumentName: "encoding-type" })
  return encoding
}

/** Where a listing goes on, in a form that only this door reads. */
export const token = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** What `token` made. Throws InvalidArgument for anything else. */
export function openToken<T extends string | object>(text: string): T {
  try {
    const value = JSON.parse(Buffer.from(text, "base64url").toString()) as T
    if (token(value) === text) return value
  } catch {
    // Said below.
  }
  throw new S3Error("InvalidArgument", "The continuation token provided is incorrect", { ArgumentName: "continuation-token" })
}
