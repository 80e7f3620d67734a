/** Why a handshake gets no certificate. `waiting`: an order is under way, and a later handshake will find its end. */
export class CertificateRefused extends Error {
  constructor(
    readonly reason: "not_allowed" | "backing_off" | "busy" | "waiting" | "failed",
    message: string,
  ) {
    super(message)
    this.name = "CertificateRefused"
  }
}
