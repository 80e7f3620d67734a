/** Who may do what in which container. What it says of the container may change, so it is asked for again at every session. */
export type SshGrant = {
  personId: string
  containerId: string
  /** The engine's own id of the container. */
  engineId: string
  /** The container's own address, which forwarded ports lead to; undefined while it has none. */
  address: string | undefined
  /** The user inside that was asked for; undefined leaves it to the container. */
  user: string | undefined
  /** The key as one line in OpenSSH's form. */
  publicKey: string
}

/** A refusal is for the log: whoever asked hears the same whatever the reason. */
export type SshDecision = { grant: SshGrant } | { refusal: string; containerId?: string }

/** Whether the owner of the key with that fingerprint (`SHA256:…`) may log in under that name. */
export type Authorize = (login: string, fingerprint: string) => Promise<SshDecision>

/** One login, or one connection that tried and did not, as an audit trail wants it. */
export type SshAttempt = {
  outcome: "allowed" | "denied"
  login: string
  address: string
  fingerprint: string | undefined
  /** Who logged in; undefined where nobody did. */
  personId: string | undefined
  containerId: string | undefined
  reason: string | undefined
}
