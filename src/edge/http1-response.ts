import { type BodyPart, writePart } from "./body-framing"
import { writeResponseHead } from "./forwarded-head"
import type { Outbox } from "./outbox"
import type { ResponseHead } from "./response-head"
import type { Wire } from "./wire"

/** Writes the responses of one HTTP/1 connection, one after the other. */
export class Http1Responder {
  private chunked = false

  constructor(
    private wire: Wire,
    private outbox: Outbox,
  ) {}

  /** An interim response, or with `upgrade` the last of HTTP on this connection. */
  interim(head: ResponseHead, requestId: string, upgrade = false): void {
    const out = this.outbox.begin(this.wire)
    writeResponseHead(out, head, { requestId, chunked: false, close: false, upgrade })
    out.send()
  }

  /** The final head with the first of its body, in chunks where `chunked`. False when the client is behind. */
  begin(head: ResponseHead, part: BodyPart, options: { requestId: string; chunked: boolean; close: boolean }): boolean {
    this.chunked = options.chunked
    const out = this.outbox.begin(this.wire)
    writeResponseHead(out, head, { ...options, upgrade: false })
    writePart(out, part, this.chunked)
    return out.send()
  }

  /** More of the body. */
  body(part: BodyPart): boolean {
    const out = this.outbox.begin(this.wire)
    writePart(out, part, this.chunked)
    return out.send()
  }
}
