import { asS3Error } from "./errors"
import { buildXml } from "./xml"

/** Where a fault happened, for its document. */
export type ErrorPlace = { resource: string; requestId: string; method: string }

/** The answer to a fault, as S3's XML; without a body for HEAD and for 304. Whoever calls it logs what `asS3Error` hides. */
export function renderS3Error(error: unknown, { resource, requestId, method }: ErrorPlace): Response {
  const fault = asS3Error(error)
  const headers = { ...fault.headers, "x-amz-request-id": requestId }
  if (method === "HEAD" || fault.status === 304) return new Response(null, { status: fault.status, headers })
  const { code, message, extra } = fault
  const document = buildXml(
    "Error",
    { Code: code, Message: message, ...extra, Resource: resource, RequestId: requestId },
    { namespace: false },
  )
  return new Response(document, { status: fault.status, headers: { ...headers, "content-type": "application/xml" } })
}
