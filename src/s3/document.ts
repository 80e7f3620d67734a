import { S3Error } from "./errors"
import type { Payload } from "./model"
import { parseXml, type XmlElement } from "./xml"

const maxBytes = 1024 * 1024

/** How large a document may be, and of how many tags and attributes. */
type Most = { mostBytes?: number; mostMarks?: number }

/** Reads the payload as a document with this root element. Throws MalformedXML, MissingRequestBodyError, MaxMessageLengthExceeded. */
export async function readDocument(
  payload: Payload,
  rootName: string,
  { mostBytes = maxBytes, mostMarks }: Most = {},
): Promise<XmlElement> {
  const text = await readText(payload, mostBytes)
  if (text === "") throw new S3Error("MissingRequestBodyError", "Request body is empty.")
  return parseXml(text, rootName, mostMarks)
}

/** Reads the payload whole, as text. Throws MaxMessageLengthExceeded, and MalformedXML for what is not UTF-8. */
export async function readText(payload: Payload, most = maxBytes): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of payload.bytes) {
    size += chunk.byteLength
    if (size > most) throw new S3Error("MaxMessageLengthExceeded", `Your request was too big: no more than ${most} bytes here`)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new S3Error("MalformedXML", "The XML you provided is not UTF-8")
  }
}
