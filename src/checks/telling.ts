import { list } from "./addresses"
import type { Verdict } from "./check"

/** Who is told of trouble: receivers, those of them that could not be reached at the last try, and how much waits for them. */
export type Telling = {
  receivers: string[]
  failing: { receiver: string; error: string }[]
  waiting: number
  stalledSince: number | undefined
}

/** Whether somebody hears of trouble. */
export function checkTelling({ receivers, failing, waiting, stalledSince }: Telling): Verdict {
  if (stalledSince !== undefined)
    return {
      status: "bad",
      verdict: `Nobody has been told of anything since ${new Date(stalledSince).toISOString().slice(0, 16).replace("T", " ")} UTC, for alerts do not get on.`,
      remedy: "Restart Freehold, and read in its log why alerts could not be looked after.",
    }
  const [first] = failing
  if (first !== undefined)
    return {
      status: "warn",
      verdict: `Alerts by ${list(failing.map(({ receiver }) => receiver))} do not arrive (${first.error.replace(/\.$/, "")})${waiting > 0 ? `, and ${waiting} wait` : ""}.`,
      remedy: "Mend the setting or the receiver, and send a test: freehold doctor --test-alert",
    }
  if (receivers.length === 0)
    return {
      status: "ok",
      verdict: "Nobody is told when something goes wrong.",
      remedy: "Set FREEHOLD_ALERT_NTFY, FREEHOLD_ALERT_WEBHOOK or FREEHOLD_ALERT_SMTP_URL to hear of it.",
    }
  return {
    status: "ok",
    verdict: `Trouble is told of by ${list(receivers)}.`,
    remedy: "“freehold doctor --test-alert” shows whether it arrives.",
  }
}
