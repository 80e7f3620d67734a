import type { OwnAnswer } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { RouteTable } from "./route-table"

/** Leads a plain request of a mapped host to the same place over HTTPS; undefined for hosts that are served in clear, or not at all. */
export function httpsRedirect(head: RequestHead, routes: RouteTable, httpsPort: number): OwnAnswer | undefined {
  const route = routes.match(head.host)
  if (!route || route.plain === "serve") return undefined
  const path = head.target === "*" ? "/" : head.target
  const location = `https://${head.host}${httpsPort === 443 ? "" : `:${httpsPort}`}${path}`
  return plainAnswer(head, 301, `Moved Permanently\r\nLocation: ${location}\r\nContent-Length: 0\r\nCache-Control: no-store`, "")
}

/** A whole answer in HTTP/1.1, after which the connection ends; `fields` begin with the status's phrase. */
export const plainAnswer = (head: RequestHead, status: number, fields: string, body: string): OwnAnswer => ({
  status,
  response: `HTTP/1.1 ${status} ${fields}\r\nConnection: close\r\n\r\n${head.method === "HEAD" ? "" : body}`,
})
