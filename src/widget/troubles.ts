import { ApiFault } from "./api"
import type { Dialog, Screen } from "./dialog"
import { button } from "./elements"
import { errorScreen } from "./end-screens"
import type { Words } from "./words"

export type TroubleNeeds = {
  words: Words
  dialog: Dialog
  /** What is being connected; empty before anything is known. */
  domain: () => string
  isOver: () => boolean
  /** Goes to the error screen. */
  show: (screen: Screen) => void
  onExpired: () => void
  /** Ends the widget, whose session is over. */
  end: () => void
}

/** What the widget does where the API refuses or cannot be reached: an error screen with a way back, or the end of the session. */
export class Troubles {
  /** Whether the session is over, so that nothing can be asked any more. */
  isExpired = false

  constructor(private needs: TroubleNeeds) {}

  /** Runs what asks the API. A fault leads to the error screen, from which `retry` comes back. */
  async attempt(run: () => Promise<void>, retry: () => void, byHand?: () => void): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (this.needs.isOver()) return
      if (!(error instanceof ApiFault)) throw error
      if (error.isExpired) this.expire(error.status === 403 ? error.message : "")
      else this.fail(this.sentence(error), retry, byHand)
    }
  }

  fail(problem: string, retry: () => void, byHand?: () => void): void {
    this.needs.show(errorScreen(this.needs.words, problem, { retry, byHand }))
  }

  private sentence(fault: ApiFault): string {
    const { words, domain } = this.needs
    if (fault.code === "HostnameConflict") return words.errorHeld(domain())
    return fault.message === "" ? words.errorNetwork : forPeople(fault.message)
  }

  private expire(detail: string): void {
    const { words, dialog, onExpired, end } = this.needs
    this.isExpired = true
    onExpired()
    const text = detail === "" ? words.expiredText : `${words.expiredText} (${detail})`
    dialog.cover(words.expiredTitle, [text], [button(words.close, "primary", end)])
  }
}

/** The API's sentence without the field that it begins with. */
export const forPeople = (message: string) => message.replace(/^[a-z_]+: /, "")
