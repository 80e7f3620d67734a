/** One of the servers under measurement, ours or a peer; it listens for TLS at 127.0.0.1 (or its own loopback address). */
export type Server = {
  readonly name: string
  readonly address: string
  readonly port: number
  /** The process whose memory counts; children are counted with it. */
  readonly pid: number
  /** Where its access log goes. */
  readonly accessLog: string
  stop(): Promise<void>
}
