/**
 * Remembers from which address each request came. The listener that accepted it says so; a header counts only on the private socket
 * between the edge and the API, which no client can reach and on which the edge has replaced whatever the client sent.
 */
export class ClientAddresses {
  private known = new WeakMap<Request, string>()

  note(request: Request, address: string | undefined): void {
    if (address !== undefined) this.known.set(request, address)
  }

  of(request: Request): string {
    return this.known.get(request) ?? "unknown"
  }
}
