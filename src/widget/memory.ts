/** Which connection a page has begun for a domain, so that whoever comes back goes on with it. Where the browser keeps nothing, nothing is remembered. */
export class Memory {
  constructor(private apiBase: string) {}

  recall(domain: string): string | undefined {
    try {
      return localStorage.getItem(this.key(domain)) ?? undefined
    } catch {
      return undefined
    }
  }

  /** Without an id it is forgotten. */
  keep(domain: string, id: string | undefined): void {
    try {
      if (id === undefined) localStorage.removeItem(this.key(domain))
      else localStorage.setItem(this.key(domain), id)
    } catch {
      // A frame or a setting that allows no storage.
    }
  }

  private key = (domain: string) => `connectdomain ${this.apiBase} ${domain}`
}
