/*
 * SSH into containers (RFC 4251 to 4254; the protocol itself is ssh2's).
 *
 * 1. A connection is taken or dropped: so many in all and of one address, fewer of an address that fails to log in.
 * 2. The key of the host is shown. The client names a container and offers keys; `authorize` says whether one of them opens it. Whatever the
 *    reason, a refusal sounds the same.
 * 3. Each session is an exec in the container; a forwarded port is a connection to the container's own address. At each, and every few seconds
 *    in between, it is asked again whether the login still holds.
 *
 * What is not done: passwords, agent and X11 forwarding, ports that listen on the server (`ssh -R`), Unix sockets, certificates, `sk-` keys,
 * the cipher chacha20-poly1305 (not in Bun's crypto; AES-GCM and AES-CTR are) and post-quantum key exchange (not in ssh2). A service that
 * listens only at 127.0.0.1 inside its container is not reached by a forwarded port.
 */
import { createServer, type Server as NetServer, type Socket } from "node:net"
import { Server, type ServerConfig } from "ssh2"
import { type ConnectionNeeds, SshConnection } from "./connection"
import { FailureCount } from "./failure-count"
import { type SshLimits, sshLimits } from "./limits"
import type { SshAttempt } from "./login"

export type GatewayNeeds = Omit<ConnectionNeeds, "limits" | "sessionsOf"> & {
  /** The private key of the host, as `makeHostKey` gives it. */
  hostKey: string
  limits?: Partial<SshLimits>
  now: () => number
}

const keepAliveMs = 20_000
const keepAliveTries = 3

/** SSH clients that can be trusted to speak the modern forms; ssh2's own list has SHA-1 in it for old ones. */
const algorithms: ServerConfig["algorithms"] = {
  kex: ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"],
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  // Compression before a login has been a door for floods, and OpenSSH asks for none by itself.
  compress: ["none"],
}

/** Listens for SSH clients and gives them the containers that are theirs. */
export class SshGateway {
  private server: NetServer | undefined
  private sockets = new Map<Socket, { address: string; connection: SshConnection | undefined }>()
  private connections = new Set<SshConnection>()
  private limits: SshLimits
  private failures: FailureCount
  private timer: Timer | undefined

  constructor(private needs: GatewayNeeds) {
    this.limits = { ...sshLimits, ...needs.limits }
    this.failures = new FailureCount(this.limits.failures, this.limits.rateMs, needs.now)
  }

  /** Port 0 picks a free one; throws what the system says where the address cannot be listened on. */
  async start(at: { host: string; port: number }): Promise<{ port: number }> {
    if (this.server !== undefined) throw new Error("the SSH gateway was started twice")
    const server = createServer({ noDelay: true }, (socket) => this.take(socket))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once("error", reject)
    server.listen({ ...at, exclusive: true }, resolve)
    await promise
    server.off("error", reject)
    server.on("error", (error) => this.needs.log.error("the SSH gateway's socket failed", { error }))
    this.server = server
    this.timer = setInterval(() => this.recheck(), this.limits.recheckMs)
    const bound = server.address()
    return { port: typeof bound === "object" && bound !== null ? bound.port : at.port }
  }

  /** Ends every connection and what runs in it. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    const server = this.server
    this.server = undefined
    const closed = server && new Promise<void>((resolve) => server.close(() => resolve()))
    for (const connection of this.connections) connection.end()
    for (const socket of this.sockets.keys()) socket.destroySoon()
    const timer = setTimeout(() => [...this.sockets.keys()].forEach((socket) => socket.destroy()), 1_000)
    await closed
    clearTimeout(timer)
  }

  /** Asks again for the right of every connection, as it does by itself every few seconds. */
  recheck(): void {
    for (const connection of this.connections) void connection.recheck()
  }

  private take(socket: Socket): void {
    const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "")
    if (!this.hasRoomFor(address)) {
      this.needs.log.debug("an SSH connection was not taken", { address })
      socket.on("error", () => {})
      return void socket.destroy()
    }
    const entry = { address, connection: undefined as SshConnection | undefined }
    this.sockets.set(socket, entry)
    const timer = setTimeout(() => {
      if (entry.connection?.isLoggedIn !== true) socket.destroy()
    }, this.limits.loginMs)
    socket.once("close", () => {
      clearTimeout(timer)
      this.sockets.delete(socket)
      const { connection } = entry
      if (connection !== undefined) this.connections.delete(connection)
      // Not those that only look whether somebody listens, as a balancer does all the time.
      if (connection?.isInVain === true) this.failures.note(address)
    })
    // One for each connection, so that it is known which socket a client has: its back-pressure is ours to mind.
    const server = new Server(this.config, (client) => {
      const { onAttempt, sessionsOf, limits } = this
      entry.connection = new SshConnection(client, socket, address, { ...this.needs, onAttempt, sessionsOf, limits })
      this.connections.add(entry.connection)
    })
    server.injectSocket(socket)
  }

  private hasRoomFor(address: string): boolean {
    const { connections, connectionsPerAddress, startsPerAddress } = this.limits
    const ofAddress = [...this.sockets.values()].filter((other) => other.address === address)
    const starting = ofAddress.filter(({ connection }) => connection?.isLoggedIn !== true)
    const isFull = this.sockets.size >= connections || ofAddress.length >= connectionsPerAddress || starting.length >= startsPerAddress
    return !isFull && !this.failures.isOver(address)
  }

  private sessionsOf = (personId: string): number =>
    [...this.connections].reduce((sum, connection) => sum + connection.sessionsOf(personId), 0)

  private onAttempt = (attempt: SshAttempt) => {
    if (attempt.outcome === "allowed") this.failures.forget(attempt.address)
    this.needs.onAttempt(attempt)
  }

  private get config(): ServerConfig {
    const { hostKey } = this.needs
    return { hostKeys: [hostKey], ident: "Freehold", algorithms, keepaliveInterval: keepAliveMs, keepaliveCountMax: keepAliveTries }
  }
}
