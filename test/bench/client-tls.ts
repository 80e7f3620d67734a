import type { TLSOptions } from "bun"

/**
 * What our own clients say in a handshake. They offer X25519 alone: left to itself Bun offers X25519MLKEM768 first, which ours takes and the
 * peers do not know, and then not all would do the same work. (`ecdhCurve` is understood by Bun and absent from its types.)
 */
export function clientTls(serverName: string, ca: string): TLSOptions & { serverName: string } {
  const options = { serverName, ca, ecdhCurve: "X25519" }
  return options
}
