import { join } from "node:path"
import { SshService } from "../compute/ssh-service"
import { SshStore } from "../compute/ssh-store"
import type { ConfigInForce } from "../config"
import type { DataFolder } from "../data-folder"
import type { Db } from "../db/open"
import { ContainerFiles } from "../engine/archive"
import { findEngine } from "../engine/sockets"
import { startExec } from "../engine/exec"
import { listenAt } from "../listen"
import type { Log } from "../log"
import { Drafts } from "../ssh/drafts"
import { type FileNeeds, serveFiles } from "../ssh/files"
import { SshGateway } from "../ssh/gateway"
import { makeHostKey } from "../ssh/host-key"
import { RunningExecs } from "../ssh/running-execs"
import type { SshAttempt } from "../ssh/login"

export type SshPartNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  /** Told of each login, and of each connection that tried and did not. */
  onAttempt: (attempt: SshAttempt) => void
  log: Log
  now: () => number
}

const endLimitMs = 5_000

/** SSH: people's keys and the switch of each container, and the gateway that leads into those that are open for it. */
export class Ssh {
  readonly service: SshService
  /** The port really listened on; undefined where there is no engine, or the settings say `off`. */
  port: number | undefined
  private gateway: SshGateway | undefined
  private running = new RunningExecs()

  constructor(private needs: SshPartNeeds) {
    const { config, db, now } = needs
    const host = `compute.${config.current.baseDomain}`
    this.service = new SshService({
      store: new SshStore(db),
      onTaken: () => this.recheck(),
      command: (id) => (this.port === undefined ? undefined : `ssh -p ${this.port} ${id}@${host}`),
      now,
    })
  }

  /** Listens; throws an error that names the setting. */
  async start(): Promise<void> {
    const { config, folder, log, now } = this.needs
    const { sshListen, containerEngine } = config.current
    const engine = findEngine(containerEngine)
    if (sshListen === undefined || engine === undefined) return
    const drafts = new Drafts(join(folder.path, "ssh-drafts"))
    const startIn: FileNeeds["startExec"] = async ({ engineId }, options) => this.running.track(await startExec(engine, engineId, options))
    const files: FileNeeds = {
      startExec: startIn,
      files: ({ engineId }) => new ContainerFiles(engine, engineId),
      drafts,
      now,
    }
    await drafts.prepare()
    const hostKey = makeHostKey(folder.secret("ssh-host-key"))
    this.gateway = new SshGateway({
      hostKey: hostKey.privateKey,
      authorize: (login, fingerprint) => this.service.authorize(login, fingerprint),
      startExec: startIn,
      serveFiles: (grant, channel, output) => serveFiles(files, grant, channel, output),
      onAttempt: (attempt) => this.note(attempt),
      log,
      now,
    })
    this.port = await listenAt("ssh_listen", sshListen, this.gateway)
    log.info("SSH is open", { port: this.port, hostKey: hostKey.fingerprint })
  }

  /** Ends the connections of those who may have them no longer. */
  recheck(): void {
    this.gateway?.recheck()
  }

  async stop(): Promise<void> {
    await this.gateway?.stop()
    // Else what people started would go on without anybody.
    await this.running.settled(endLimitMs)
  }

  private note(attempt: SshAttempt): void {
    const { outcome, ...fields } = attempt
    this.needs.log.info(outcome === "allowed" ? "an SSH login" : "an SSH login was refused", fields)
    this.needs.onAttempt(attempt)
  }
}
