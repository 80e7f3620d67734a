/** The address of a peer, an IPv4 one in its own form: a dual-stack listener shows it as `::ffff:192.0.2.1`. */
export const plainAddress = (address: string) => (address.startsWith("::ffff:") ? address.slice(7) : address)
