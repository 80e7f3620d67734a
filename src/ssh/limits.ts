/** What bounds the gateway. Times are in milliseconds. */
export type SshLimits = {
  connections: number
  connectionsPerAddress: number
  /** Connections of one address in which nobody has logged in yet. */
  startsPerAddress: number
  /** From the first byte to the login, as sshd's LoginGraceTime. */
  loginMs: number
  /** Keys and passwords that one connection may try; an agent offers all the keys it has. */
  tries: number
  /** Connections of one address that exchange keys and end without a login, in `rateMs`, before it has to wait. */
  failures: number
  rateMs: number
  sessions: number
  /** Sessions of one person in all of their connections: each is a process of the engine's beside the container. */
  sessionsPerPerson: number
  forwards: number
  /** Sessions and forwards that one connection may open in its life. */
  channels: number
  /** How long a connection may stay with nothing open in it. */
  idleMs: number
  /** How often it is asked whether a login still holds. */
  recheckMs: number
}

export const sshLimits: SshLimits = {
  connections: 512,
  connectionsPerAddress: 64,
  startsPerAddress: 16,
  loginMs: 30_000,
  tries: 12,
  failures: 20,
  rateMs: 60_000,
  sessions: 10,
  sessionsPerPerson: 64,
  forwards: 64,
  channels: 100_000,
  idleMs: 600_000,
  recheckMs: 10_000,
}
