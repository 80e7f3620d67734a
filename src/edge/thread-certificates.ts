import { createSecureContext, type SecureContext } from "node:tls"
import { RecentMap } from "./certificate-cache"
import type { CertificatePair } from "./certificates"

export type ThreadCertificatesOptions = {
  /** May this name have a certificate? Asked at every handshake. */
  gate: (hostname: string) => boolean
  /** Asks the main thread, whose answer goes to `settle`. */
  ask: (hostname: string) => void
  now?: () => number
  /** Longer than the main thread itself makes a handshake wait. */
  waitMs?: number
  /** A context takes about 5 KiB. */
  cacheSize?: number
  maxQuestions?: number
}

type Question = PromiseWithResolvers<SecureContext> & { timer: Timer; isOutdated: boolean }

/**
 * The certificates that one thread of the edge has at hand: contexts made of what the main thread answered, kept until it says that they were
 * replaced or until they end. One question a name at a time; everybody who asks meanwhile shares it.
 */
export class ThreadCertificates {
  private contexts: RecentMap<{ context: SecureContext; notAfter: number }>
  private questions = new Map<string, Question>()
  private now: () => number

  constructor(private options: ThreadCertificatesOptions) {
    this.now = options.now ?? Date.now
    this.contexts = new RecentMap(options.cacheSize ?? 10_000)
  }

  /** The context for a handshake, at once where it is at hand. Throws or rejects to refuse. */
  secureContext(hostname: string): SecureContext | Promise<SecureContext> {
    this.mustBeAllowed(hostname)
    const known = this.contexts.get(hostname)
    if (known !== undefined && known.notAfter > this.now()) return known.context
    return (this.questions.get(hostname) ?? this.open(hostname)).promise
  }

  /** The main thread's answer. */
  settle(hostname: string, answer: CertificatePair | { refusal: string }): void {
    const question = this.close(hostname)
    if (question === undefined) return
    try {
      if ("refusal" in answer) throw new Error(answer.refusal)
      const context = createSecureContext({ cert: answer.chainPem, key: answer.keyPem, minVersion: "TLSv1.2" })
      // The mapping may have gone while we waited.
      this.mustBeAllowed(hostname)
      // One that was replaced while its answer was on the way is still valid for those who wait.
      if (!question.isOutdated) this.contexts.set(hostname, { context, notAfter: answer.notAfter })
      question.resolve(context)
    } catch (error) {
      question.reject(error)
    }
  }

  /** The certificate of a name was replaced or taken away: the next handshake asks again. */
  forget(hostname: string): void {
    this.contexts.delete(hostname)
    const question = this.questions.get(hostname)
    if (question !== undefined) question.isOutdated = true
  }

  /** Refuses everybody who waits. */
  stop(): void {
    for (const hostname of this.questions.keys()) this.close(hostname)?.reject(new Error("the edge is stopping"))
  }

  private mustBeAllowed(hostname: string): void {
    if (this.options.gate(hostname)) return
    this.contexts.delete(hostname)
    throw new Error(`${hostname} may not have a certificate here`)
  }

  private open(hostname: string): Question {
    const { ask, waitMs = 22_000, maxQuestions = 1024 } = this.options
    if (this.questions.size >= maxQuestions) throw new Error("too many certificates are being asked for")
    const late = () => this.close(hostname)?.reject(new Error(`the certificate of ${hostname} did not come in time`))
    const question = { ...Promise.withResolvers<SecureContext>(), timer: setTimeout(late, waitMs), isOutdated: false }
    this.questions.set(hostname, question)
    ask(hostname)
    return question
  }

  private close(hostname: string): Question | undefined {
    const question = this.questions.get(hostname)
    clearTimeout(question?.timer)
    this.questions.delete(hostname)
    return question
  }
}
