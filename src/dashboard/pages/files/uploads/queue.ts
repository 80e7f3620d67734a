import { sentence } from "../../../data/api"
import { refresh } from "../../../data/queries"
import { files } from "../../../words/files"
import { freeName } from "./free-name"
import { present } from "./presence"
import { type Choice, type Chosen, isOpen, type Upload, type Uploads } from "./model"
import { send, type Sending } from "./send"
import { Speed } from "./speed"

/** Files that were chosen together; an answer for all holds for them. */
type Batch = { answer?: Choice }
type Job = Upload & {
  file: File
  person: string
  batch: Batch
  answer?: Choice
  sending?: Sending | undefined
  isNaming?: boolean
  isBeginning?: boolean
}

const mostAtOnce = 3
const tellEveryMs = 120

/** Files on their way to the server, whatever page is shown: three at a time, the others in their order. */
export class UploadQueue {
  private jobs: Job[] = []
  private watchers = new Set<() => void>()
  private shown: Uploads = { list: [], bytesPerSecond: 0 }
  private timer: ReturnType<typeof setTimeout> | undefined
  private nextId = 1
  private speed = new Speed()

  /** For `useSyncExternalStore`. */
  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }
  current = (): Uploads => this.shown

  /** Puts files below a folder of a namespace; `prefix` is empty or ends with a slash. */
  add(person: string, namespace: string, prefix: string, chosen: Chosen[]): void {
    const batch: Batch = {}
    for (const { file, path } of chosen) {
      const common = { id: this.nextId++, namespace, name: prefix + path, size: file.size, sent: 0 }
      this.jobs.push({ ...common, state: "waiting", file, person, batch })
    }
    window.addEventListener("beforeunload", this.warn)
    this.fill()
  }

  pause = (id: number): void => void this.withJob(id, (job) => this.hold(job))
  resume = (id: number): void => this.withJob(id, (job) => this.wake(job, "paused"))
  retry = (id: number): void => this.withJob(id, (job) => this.wake(job, "failed"))
  pauseAll = (): void => this.jobs.forEach((job) => this.hold(job))
  resumeAll = (): void => this.jobs.forEach((job) => this.wake(job, "paused"))
  retryAll = (): void => this.jobs.forEach((job) => this.wake(job, "failed"))

  /** What has come of it goes, here and at the server. */
  cancel = (id: number): void =>
    this.withJob(id, (job) => {
      this.jobs = this.jobs.filter((one) => one !== job)
      void job.sending?.end()
      this.fill()
    })

  /** Ends all that is under way and forgets the rest. */
  clear = (): void => {
    const gone = this.jobs
    this.jobs = []
    for (const job of gone) if (isOpen(job)) void job.sending?.end()
    this.speed = new Speed()
    this.fill()
  }

  /** Holds everything where it is, and forgets it here: whoever comes back can go on. */
  leave = (): void => {
    for (const { sending } of this.jobs) void sending?.pause()
    this.jobs = []
    this.fill()
  }

  /** Says what becomes of a file whose name is taken, and with `isForAll` of all others that were chosen with it. */
  answer(id: number, choice: Choice, isForAll: boolean): void {
    const asked = this.jobs.find((job) => job.id === id)
    if (asked === undefined) return
    if (isForAll) asked.batch.answer = choice
    for (const job of this.jobs)
      if (job.state === "asking" && (job === asked || (isForAll && job.batch === asked.batch))) void this.decide(job, choice)
    this.fill()
  }

  private async decide(job: Job, choice: Choice): Promise<void> {
    job.answer = choice
    job.sending = undefined
    if (choice === "skip") job.state = "skipped"
    else if (choice === "replace") job.state = "waiting"
    else {
      job.state = "waiting"
      job.isNaming = true
      try {
        const others = () => this.jobs.filter((one) => one !== job && one.namespace === job.namespace && one.state !== "skipped")
        job.name = await freeName(job.namespace, job.name, (name) => others().some((one) => one.name === name))
      } catch (error) {
        this.fail(job, error instanceof Error ? sentence(error.message) : String(error))
      }
      job.isNaming = false
    }
    this.fill()
  }

  private hold(job: Job): void {
    if (job.state !== "sending" && job.state !== "waiting") return
    job.state = "paused"
    void job.sending?.pause()
    this.fill()
  }

  private wake(job: Job, from: "paused" | "failed"): void {
    if (job.state !== from) return
    delete job.error
    job.state = "waiting"
    this.fill()
  }

  private withJob(id: number, act: (job: Job) => void): void {
    const job = this.jobs.find((one) => one.id === id)
    if (job !== undefined) act(job)
  }

  /** Starts what may start. Of files that were chosen together none goes on while one of them waits for an answer. */
  private fill(): void {
    const asking = new Set(this.jobs.filter(({ state }) => state === "asking").map(({ batch }) => batch))
    let free = mostAtOnce - this.jobs.filter(({ state }) => state === "sending").length
    for (const job of this.jobs) {
      if (free <= 0) break
      if (job.state !== "waiting" || job.isNaming || asking.has(job.batch)) continue
      free--
      job.state = "sending"
      if (job.sending !== undefined) job.sending.resume()
      else if (!job.isBeginning) void this.begin(job)
    }
    if (!this.jobs.some(isOpen)) {
      window.removeEventListener("beforeunload", this.warn)
      if (this.jobs.length > 0) void refresh("files")
    }
    this.tell()
  }

  private async begin(job: Job): Promise<void> {
    job.isBeginning = true
    try {
      await this.start(job)
    } catch {
      // The program that sends is fetched when it is first needed.
      this.fail(job, files.tray.brokenOff)
      this.fill()
    }
    job.isBeginning = false
  }

  private async start(job: Job): Promise<void> {
    const { file, person, namespace, name } = job
    const isCurrent = () => this.jobs.includes(job) && job.name === name
    const sending = await send({
      file,
      person,
      namespace,
      name,
      mayReplace: job.answer === "replace",
      onProgress: (sent) => {
        job.sent = sent
        this.soon()
      },
      onDone: () => {
        if (!isCurrent()) return
        Object.assign(job, { state: "done", sent: job.size, sending: undefined })
        this.fill()
      },
      onTaken: () => {
        if (!isCurrent()) return
        job.sent = 0
        void job.sending?.end()
        job.state = "asking"
        // Whoever keeps both does so until a name is free.
        const known = job.answer ?? job.batch.answer
        if (known !== undefined) void this.decide(job, known)
        else this.fill()
      },
      onFailed: (message) => {
        if (!isCurrent()) return
        this.fail(job, message)
        this.fill()
      },
    })
    if (!this.jobs.includes(job)) return void sending.end()
    // It may be over by now, or held.
    if (job.state === "sending" || job.state === "paused") job.sending = sending
    if (job.state === "paused") void sending.pause()
  }

  private fail(job: Job, message: string): void {
    if (job.state === "paused") return
    job.state = "failed"
    job.error = message
    // Begun anew; what has come is found by its fingerprint.
    job.sending = undefined
  }

  private warn = (event: BeforeUnloadEvent): void => event.preventDefault()

  private soon(): void {
    this.timer ??= setTimeout(() => this.tell(), tellEveryMs)
  }

  private tell(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const list = this.jobs.map(({ id, namespace, name, size, sent, state, error }) => ({
      id,
      namespace,
      name,
      size,
      sent,
      state,
      ...(error === undefined ? {} : { error }),
    }))
    this.shown = { list, bytesPerSecond: this.speed.note(list.reduce((sum, { sent }) => sum + sent, 0)) }
    present(list.length > 0, this.leave)
    for (const watcher of this.watchers) watcher()
  }
}

/** The one of this page: it goes on while other pages are shown. */
export const uploads = new UploadQueue()
