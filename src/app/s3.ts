import { covers } from "../accounts/scopes"
import type { ConfigInForce } from "../config"
import type { Log } from "../log"
import type { Act } from "../s3/acts"
import { S3Door } from "../s3/door"
import { applyLifecycle } from "../s3/lifecycle"
import { Worker } from "../worker"
import type { Storage } from "./storage"

export type S3Needs = {
  config: ConfigInForce
  storage: Storage
  /** From where a request came. */
  addressOf: (request: Request) => string
  /** Puts on record; never rejects. */
  record: (act: Act, address: string) => Promise<void>
  log: Log
  now: () => number
  agingNow: () => number
}

const lifecycleEveryMs = 60 * 60_000

/** The S3 door over the storage core: which requests are for it, its buckets' names, and the work of lifecycle rules. */
export class S3 {
  private door: S3Door
  private lifecycle: Worker

  constructor(private needs: S3Needs) {
    const { storage, addressOf, record, log, now } = needs
    const { namespaces, namespaceStore, objects, uploads, reader, keys } = storage
    const core = { namespaces, namespaceStore, objects, uploads, reader, keys, log, now }
    // The core says so itself.
    const onNamespacesChanged = () => {}
    const onActed = (request: Request, act: Act) => record(act, addressOf(request))
    this.door = new S3Door({ ...core, covers, hosts: (host) => this.bucketOf(host), onNamespacesChanged, onActed })
    this.lifecycle = new Worker(
      async (signal) => {
        const { removed, aborted } = await applyLifecycle(core, needs.agingNow(), signal)
        if (removed + aborted > 0) log.info("lifecycle rules were applied", { removed, aborted })
      },
      () => lifecycleEveryMs,
      log,
      "applying lifecycle rules failed",
    )
  }

  /** Whether a request is for the door: at its host names, and everywhere else where it is signed as its clients do. */
  concerns(request: Request): boolean {
    const host = hostOf(request)
    if (host === this.host || host.endsWith(`.${this.host}`)) return true
    const authorization = request.headers.get("authorization") ?? ""
    return /^AWS(4-HMAC-SHA256)? /.test(authorization) || /[?&](X-Amz-Algorithm|AWSAccessKeyId)=/.test(request.url)
  }

  handle = (request: Request): Promise<Response> => this.door.handle(request)

  start(): void {
    this.lifecycle.start(60_000)
  }

  stop(): Promise<void> {
    return this.lifecycle.stop()
  }

  private get host(): string {
    return `s3.${this.needs.config.current.baseDomain}`
  }

  /** The bucket that a host names; undefined for all others, where the path names it. */
  private bucketOf(host: string): string | undefined {
    return host.endsWith(`.${this.host}`) ? host.slice(0, -this.host.length - 1) : undefined
  }
}

const hostOf = (request: Request) => (request.headers.get("host") ?? "").toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "")
