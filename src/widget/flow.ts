// The screens in their order (connect-api.md section 14):
//   enter → analyze → automatic | semiautomatic | manual → progress → email, where it is wanted → success
// `error` comes after whatever failed and leads back to it; over any of them lie the question whether to leave, and the end of the session.

import { Api, ApiFault, type Connection, type DomainReport } from "./api"
import { Connecting } from "./connecting"
import { Dialog, type Screen } from "./dialog"
import { button } from "./elements"
import { emailSteps } from "./email-flow"
import { successScreen } from "./end-screens"
import { Events, type Standing } from "./events"
import { Memory } from "./memory"
import type { CloseReason, Options, Step } from "./options"
import type { Outcome } from "./poll"
import { ProgressScreen } from "./progress-screen"
import { recordList } from "./record-list"
import * as setup from "./setup-screens"
import { inForm, recordsOf } from "./shown-records"
import { forPeople, Troubles } from "./troubles"
import { Watch } from "./watch"
import { wordsFor } from "./words"

/** One opened widget, from its first screen to its end. */
export class Flow {
  private api: Api
  private events: Events
  private connecting: Connecting
  private dialog: Dialog
  private words
  private ending = new AbortController()
  private troubles: Troubles
  private watch: Watch | undefined
  private at: Step = "enter"
  private report: DomainReport | undefined
  private connection: Connection | undefined
  private lastStatus: string | null = null
  private succeeded = false
  private isOver = false

  constructor(
    private options: Options,
    private onEnd: () => void,
  ) {
    const { lang, words } = wordsFor(options.locale)
    this.words = words
    this.api = new Api(options.apiBase, options.token, this.ending.signal)
    this.events = new Events(options)
    this.connecting = new Connecting(this.api, new Memory(options.apiBase), options.applicationId)
    this.dialog = new Dialog({
      container: options.container ?? document.body,
      theme: options.theme,
      lang,
      words,
      caption: words.dialog,
      onLeave: () => this.askToLeave(),
      onGone: () => this.end(this.reason),
    })
    this.troubles = new Troubles({
      words,
      dialog: this.dialog,
      domain: () => this.standing.domain ?? "",
      isOver: () => this.isOver,
      show: (screen) => this.go("error", screen),
      onExpired: () => this.leaveProgress(),
      end: () => this.end("expired"),
    })
    if (options.domain === undefined) this.enter()
    else void this.analyze(options.domain)
  }

  /** Ends it; the page hears of it once. */
  end(reason: CloseReason = this.reason): void {
    if (this.isOver) return
    this.isOver = true
    this.ending.abort()
    this.leaveProgress()
    this.dialog.remove()
    this.onEnd()
    this.events.close(this.standing, reason)
  }

  private get standing(): Standing {
    const { report, connection, lastStatus, succeeded } = this
    return {
      domain: connection?.hostname ?? report?.domain ?? null,
      provider: report?.provider.key ?? null,
      jobId: connection?.id ?? null,
      setupType: connection?.setup_type ?? report?.setup_type ?? null,
      lastStatus,
      succeeded,
    }
  }

  private get reason(): CloseReason {
    if (this.succeeded) return "completed"
    if (this.troubles.isExpired) return "expired"
    return this.at === "error" ? "error" : "user"
  }

  private get provider(): string {
    return this.report?.provider.name ?? this.words.yourProvider
  }

  /** Goes to a screen; the page is told where the step is another one. */
  private go(step: Step, screen: Screen, isSame = false): void {
    if (step !== "progress") this.leaveProgress()
    this.at = step
    this.dialog.show(screen)
    if (!isSame) this.events.step(this.standing, step)
  }

  private enter(given = "", problem = ""): void {
    this.report = undefined
    this.connection = undefined
    this.lastStatus = null
    this.go(
      "enter",
      setup.enterScreen(this.words, given, problem, (domain) => void this.analyze(domain)),
    )
  }

  private async analyze(domain: string): Promise<void> {
    const { words, api } = this
    this.report = undefined
    this.connection = undefined
    this.go("analyze", setup.busyScreen(words.analyzeTitle, words.analyzeBusy(domain)))
    const run = async () => {
      try {
        this.report = await api.check(domain, this.options.applicationId)
      } catch (error) {
        const isWrong = error instanceof ApiFault && error.status === 400
        if (isWrong && this.options.domain === undefined) return this.enter(domain, forPeople(error.message))
        throw error
      }
      if (await this.resume(this.report.domain)) return
      this.offer(this.report)
    }
    const again = () => (this.options.domain === undefined ? this.enter(domain) : void this.analyze(domain))
    await this.troubles.attempt(run, again)
  }

  /** Goes on with what was begun here before. */
  private async resume(domain: string): Promise<boolean> {
    const found = await this.connecting.recall(domain)
    if (found === undefined) return false
    this.take(found)
    if (found.state === "live") this.succeed()
    else this.progress()
    return true
  }

  private take(connection: Connection): void {
    this.connection = connection
    this.lastStatus = connection.state
  }

  private offer(report: DomainReport): void {
    const mayChange = this.options.domain === undefined
    const screen = setup.analyzedScreen(this.words, report, this.provider, {
      next: () => {
        if (report.setup_type === "automatic") this.automatic(report)
        else if (report.setup_type === "semiautomatic") void this.semiautomatic(report)
        else void this.manual()
      },
      byHand: () => void this.manual(),
      useWww: mayChange ? () => void this.analyze(`www.${report.domain}`) : undefined,
    })
    this.go("analyze", screen, true)
  }

  private async connect(setupType: string): Promise<Connection> {
    const made = await this.connecting.make(this.report?.domain ?? "", setupType)
    this.take(made)
    return made
  }

  private automatic(report: DomainReport): void {
    const list = recordList(
      report.records.map((record) => inForm(report, record)),
      this.words,
      this.dialog.say,
    )
    const byHand = () => void this.manual()
    const go = () => {
      this.go("automatic", setup.busyScreen(this.words.automaticTitle, this.words.checking), true)
      const run = async () => {
        const made = await this.connect("automatic")
        // What could not be written, a person can.
        if (made.ownership_challenge !== undefined) return this.manual(made.error_detail ?? undefined)
        this.progress()
      }
      void this.troubles.attempt(run, () => this.automatic(report), byHand)
    }
    this.go("automatic", setup.automaticScreen(this.words, this.provider, list, { go, byHand }))
  }

  private async semiautomatic(report: DomainReport): Promise<void> {
    const run = async () => {
      const connection = this.connection ?? (await this.connect("semiautomatic"))
      const url = setup.applyUrlOf(report, connection)
      if (url === undefined) return this.manual()
      const actions = { go: () => this.progress(), byHand: () => void this.manual() }
      this.go("semiautomatic", setup.semiautomaticScreen(this.words, this.provider, url, actions))
    }
    await this.troubles.attempt(
      run,
      () => void this.semiautomatic(report),
      () => void this.manual(),
    )
  }

  private async manual(problem?: string): Promise<void> {
    const run = async () => {
      const connection = this.connection ?? (await this.connect("manual"))
      const { report } = this
      if (report === undefined) return this.enter()
      const records = recordsOf(report, connection, this.words)
      const { provider } = this
      const needs = { report, provider, records, problem, say: this.dialog.say, go: () => this.progress() }
      this.go("manual", setup.manualScreen(this.words, needs))
    }
    await this.troubles.attempt(run, () => void this.manual(problem))
  }

  private progress(): void {
    const { report, connection, words } = this
    if (report === undefined || connection === undefined) return this.enter()
    const actions = { check: () => this.watch?.now(), records: () => void this.manual() }
    const records = recordsOf(report, connection, words)
    const hasProof = connection.ownership_challenge !== undefined
    const progress = new ProgressScreen(words, connection.hostname, records, hasProof, this.dialog.say, actions)
    this.leaveProgress()
    this.go("progress", progress.screen)
    this.watch = new Watch({
      progress,
      look: () => this.look(connection, progress),
      giveUp: (fault) =>
        void this.troubles.attempt(
          () => Promise.reject(fault),
          () => (fault.status === 404 ? this.startOver() : this.progress()),
        ),
      isOver: () => this.isOver,
    })
  }

  /** Asks once, and goes on where the connection did. */
  private async look(connection: Connection, progress: ProgressScreen): Promise<Outcome> {
    const seen = await this.api.checkRecords(connection.id)
    if (this.isOver || this.at !== "progress") return { moved: false, over: true }
    const isOther = seen.state !== this.lastStatus
    this.lastStatus = seen.state
    if (seen.state === "live") this.succeed()
    else if (seen.state === "failed") this.troubles.fail(seen.error_detail ?? this.words.errorFailed, () => this.progress())
    else if (seen.state === "archived") this.troubles.fail(this.words.errorArchived, () => this.startOver())
    else return { moved: progress.update(seen) || isOther, over: false }
    return { moved: true, over: true }
  }

  private startOver(): void {
    const { domain } = this.standing
    if (domain !== null) this.connecting.forget(domain)
    if (domain === null) this.enter()
    else void this.analyze(domain)
  }

  private leaveProgress(): void {
    this.watch?.stop()
    this.watch = undefined
  }

  private succeed(): void {
    this.succeeded = true
    this.leaveProgress()
    const { domain } = this.standing
    if (domain !== null) this.connecting.forget(domain)
    this.events.success(this.standing)
    if (this.options.email) this.email()
    else this.showSuccess()
  }

  private showSuccess(): void {
    const domain = this.standing.domain ?? ""
    this.dialog.say(this.words.successText(domain))
    this.go(
      "success",
      successScreen(this.words, domain, () => this.end("completed")),
    )
  }

  private email(): void {
    const { report, connection, words } = this
    if (report === undefined || connection === undefined) return this.showSuccess()
    const first = emailSteps({
      api: this.api,
      words,
      report,
      connection,
      say: this.dialog.say,
      show: (screen) => this.go("email", screen, true),
      attempt: (run) => void this.troubles.attempt(run, () => this.email()),
      done: () => this.showSuccess(),
    })
    this.go("email", first)
  }

  private askToLeave(): void {
    if (this.troubles.isExpired || this.at === "success") return this.end()
    if (this.dialog.isCovered) return this.dialog.uncover()
    const { words } = this
    const leave = button(words.exitLeave, "secondary", () => this.end())
    const stay = button(words.exitStay, "primary", () => this.dialog.uncover())
    this.dialog.cover(words.exitTitle, [words.exitText], [leave, stay])
  }
}
