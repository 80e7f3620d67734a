/** Where clients find a host of ours below the base domain. Behind a router the port may be another than ours, so it is named only where the name leads to this very machine (RFC 6761 section 6.3). */
export function platformAddress(label: string, baseDomain: string, httpsPort: number): string {
  const isHere = baseDomain === "localhost" || baseDomain.endsWith(".localhost")
  return `https://${label}.${baseDomain}${isHere && httpsPort !== 443 ? `:${httpsPort}` : ""}`
}
