import type { Api, Connection, DnsRecord, DomainReport } from "./api"
import type { Screen } from "./dialog"
import { emailDoneScreen, emailPreviewScreen, emailScreen, type Mail } from "./email-screens"
import { inForm } from "./shown-records"
import type { Words } from "./words"

export type EmailNeeds = {
  api: Api
  words: Words
  report: DomainReport
  connection: Connection
  say: (text: string) => void
  /** Shows a further screen of this step. */
  show: (screen: Screen) => void
  /** Runs what asks the API, and deals with its faults. */
  attempt: (run: () => Promise<void>) => void
  /** Leaves the step. */
  done: () => void
}

/** The optional step: whose mail it is, a preview, and only then what changes anything; gives its first screen. */
export function emailSteps({ api, words, report, connection, say, show, attempt, done }: EmailNeeds): Screen {
  const domain = report.registrable_domain
  const needs = { words, say, inForm: (record: DnsRecord) => inForm(report, record), skip: done }
  const apply = async (mail: Mail) => show(emailDoneScreen(needs, await api.applyEmail(connection.id, mail)))
  const preview = async (mail: Mail) => {
    const found = await api.emailRecords(mail)
    show(emailPreviewScreen(needs, domain, found, () => attempt(() => apply(mail))))
  }
  return emailScreen(needs, domain, (mail) => attempt(() => preview(mail)))
}
