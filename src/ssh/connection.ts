import type { Socket } from "node:net"
import { type AuthContext, type Connection, type PublicKeyAuthContext, type Session, utils } from "ssh2"
import type { Exec, ExecOptions } from "../engine/exec"
import { describeError } from "../errors"
import type { Log } from "../log"
import { fingerprintOf } from "./fingerprint"
import { dial, forwardTarget, join } from "./forward"
import type { SshLimits } from "./limits"
import type { Authorize, SshAttempt, SshGrant } from "./login"
import { type SessionNeeds, SshSession } from "./session"

export type ConnectionNeeds = {
  authorize: Authorize
  startExec: (grant: SshGrant, options: ExecOptions) => Promise<Exec>
  /** Serves the file subsystem of a session; absent where it is not offered. */
  serveFiles?: (grant: SshGrant, ...rest: Parameters<NonNullable<SessionNeeds["serveFiles"]>>) => Promise<number>
  /** Told once of each login, and of each connection that tried and did not. */
  onAttempt: (attempt: SshAttempt) => void
  /** How many sessions a person has in all connections. */
  sessionsOf: (personId: string) => number
  log: Log
  limits: SshLimits
}

type Refused = { refusal: string; containerId?: string }

/** One client: its login, and the sessions and forwarded ports within. `address` is the client's. */
export class SshConnection {
  private grant: SshGrant | undefined
  private login = ""
  private fingerprint: string | undefined
  private refused: Refused | undefined
  private tries = 0
  private opened = 0
  private sessions = new Set<SshSession>()
  private forwards = new Set<() => void>()
  private hasBegun = false
  private isOver = false
  private timer: Timer | undefined

  constructor(
    private client: Connection,
    private socket: Socket,
    readonly address: string,
    private needs: ConnectionNeeds,
  ) {
    client.on("authentication", (context) => void this.authenticate(context))
    client.on("session", (accept, reject) => void this.openSession(accept, reject))
    client.on("tcpip", (accept, reject, info) => void this.openForward(accept, reject, info))
    // Nothing on our side listens for a client; with a listener ssh2 also hears that no more sessions are to come.
    client.on("request", (_accept: unknown, reject: (() => void) | undefined) => reject?.())
    client.on("error", (error) => needs.log.debug("an SSH connection had a fault", { address, error }))
    client.on("handshake", () => void (this.hasBegun = true))
    client.on("close", () => this.closed())
  }

  get isLoggedIn(): boolean {
    return this.grant !== undefined
  }

  /** Whether keys were exchanged, which costs us something, and nobody logged in. */
  get isInVain(): boolean {
    return this.hasBegun && this.grant === undefined
  }

  /** How many sessions are open in it, where it is this person's. */
  sessionsOf(personId: string): number {
    return this.grant?.personId === personId ? this.sessions.size : 0
  }

  /** Asks whether the login still holds, and ends the connection when it does not. */
  async recheck(): Promise<SshGrant | undefined> {
    if (this.grant === undefined || this.fingerprint === undefined || this.isOver) return undefined
    const decision = await this.decide(this.login, this.fingerprint)
    if ("grant" in decision) return decision.grant
    this.needs.log.info("an SSH connection is ended", { containerId: this.grant.containerId, reason: decision.refusal })
    this.end()
    return undefined
  }

  /** Ends the connection and all that is in it. */
  end(): void {
    this.client.end()
    // A client that does not read would keep it open.
    const timer = setTimeout(() => this.socket.destroy(), 1_000)
    this.socket.once("close", () => clearTimeout(timer))
    this.closed()
  }

  private closed(): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.timer)
    for (const session of this.sessions) session.close()
    for (const close of this.forwards) close()
    if (this.grant === undefined && this.login !== "") this.report("denied", this.refused ?? { refusal: "no key was offered" })
  }

  private async authenticate(context: AuthContext): Promise<void> {
    this.login = context.username.slice(0, 100)
    // Asked first by every client, to hear which methods there are.
    if (context.method === "none") return context.reject(["publickey"])
    if (++this.tries > this.needs.limits.tries) {
      this.refused ??= { refusal: "too many tries" }
      return this.end()
    }
    if (context.method !== "publickey") {
      this.refused ??= { refusal: `the method ${context.method} is not offered` }
      return context.reject(["publickey"])
    }
    await this.tryKey(context)
  }

  private async tryKey(context: PublicKeyAuthContext): Promise<void> {
    const fingerprint = fingerprintOf(context.key.data)
    const decision = await this.decide(context.username, fingerprint)
    if (this.isOver) return
    if (!("grant" in decision) || !mayUse(decision.grant, context)) {
      const refused =
        "grant" in decision ? { containerId: decision.grant.containerId, refusal: "the signature is not that of the key" } : decision
      // What is wrong with the container tells more than that some key of an agent is not the right one.
      if (this.refused?.containerId === undefined || "grant" in decision) [this.refused, this.fingerprint] = [refused, fingerprint]
      return context.reject(["publickey"])
    }
    // Without a signature the client only asks whether to make one.
    if (context.signature !== undefined) {
      this.grant = decision.grant
      this.fingerprint = fingerprint
      this.report("allowed")
      this.wait()
    }
    context.accept()
  }

  private async decide(login: string, fingerprint: string) {
    try {
      return await this.needs.authorize(login, fingerprint)
    } catch (error) {
      this.needs.log.error("an SSH login could not be decided", { error })
      return { refusal: "the store could not be asked" }
    }
  }

  private report(outcome: SshAttempt["outcome"], refused?: Refused): void {
    const { login, address, fingerprint, grant } = this
    const { containerId } = grant ?? refused ?? {}
    this.needs.onAttempt({ outcome, login, address, fingerprint, personId: grant?.personId, containerId, reason: refused?.refusal })
  }

  /** The grant as it is now, or undefined when the client may open nothing more. */
  private async admit(have: number, most: number): Promise<SshGrant | undefined> {
    if (have >= most || ++this.opened > this.needs.limits.channels) return undefined
    return this.recheck()
  }

  private async openSession(accept: () => Session, reject: () => void): Promise<void> {
    const { limits, startExec, serveFiles, log } = this.needs
    const grant = await this.admit(this.sessions.size, limits.sessions)
    if (grant === undefined || this.isOver || this.sessions.size >= limits.sessions) return reject()
    if (this.needs.sessionsOf(grant.personId) >= limits.sessionsPerPerson) return reject()
    const where = `${this.address} ${this.socket.remotePort ?? 0}`
    const session: SshSession = new SshSession(accept(), {
      startExec: (options) => startExec(grant, options),
      ...(serveFiles && { serveFiles: (channel, output) => serveFiles(grant, channel, output) }),
      user: grant.user,
      environment: {
        SSH_CLIENT: `${where} ${this.socket.localPort ?? 0}`,
        SSH_CONNECTION: `${where} ${this.socket.localAddress ?? "-"} ${this.socket.localPort ?? 0}`,
      },
      socket: this.socket,
      onFault: (what, error) => log.info(what, { containerId: grant.containerId, error }),
      onEnd: () => {
        this.sessions.delete(session)
        this.wait()
      },
    })
    this.sessions.add(session)
    this.wait()
  }

  private async openForward(
    accept: () => Parameters<typeof join>[0],
    reject: () => void,
    info: { destIP: string; destPort: number },
  ): Promise<void> {
    const { limits, log } = this.needs
    const grant = await this.admit(this.forwards.size, limits.forwards)
    const target = grant && forwardTarget(info, grant)
    if (grant === undefined || target === undefined || this.isOver || this.forwards.size >= limits.forwards) return reject()
    const fields = { containerId: grant.containerId, port: target.port }
    let close = () => {}
    const entry = () => close()
    // Counted from here on, so that many at once do not all pass.
    this.forwards.add(entry)
    const forget = () => {
      this.forwards.delete(entry)
      this.wait()
    }
    try {
      const upstream = await dial(target)
      if (this.isOver) {
        upstream.destroy()
        forget()
        return reject()
      }
      close = join(accept(), upstream, this.socket, forget)
      this.wait()
    } catch (error) {
      log.debug("a forwarded port did not answer", { ...fields, reason: describeError(error) })
      forget()
      reject()
    }
  }

  /** Starts or stops the time that a connection may stay with nothing open in it. */
  private wait(): void {
    clearTimeout(this.timer)
    if (this.isOver || this.sessions.size + this.forwards.size > 0) return
    this.timer = setTimeout(() => this.end(), this.needs.limits.idleMs)
  }
}

/** Whether the client holds the key; without a signature, whether it may sign with it. RSA with SHA-1 proves nothing any more (RFC 9142). */
function mayUse(grant: SshGrant, { key, blob, signature, hashAlgo }: PublicKeyAuthContext): boolean {
  const known = utils.parseKey(grant.publicKey)
  if (known instanceof Error || !known.getPublicSSH().equals(key.data)) return false
  if (known.type === "ssh-rsa" && hashAlgo === undefined) return false
  return signature === undefined || (blob !== undefined && known.verify(blob, signature, hashAlgo) === true)
}
