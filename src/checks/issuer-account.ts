import type { Verdict } from "./check"

/** The account at a directory that the settings name. `opens`: its key can be read, which another store key would not let. */
export type IssuerAccount = { authority: string; since: string | null; opens: boolean }

/** The accounts at the directories in use; `rootEnds` is when the root of the built-in CA ends, in Unix milliseconds. */
export function checkIssuerAccounts(accounts: IssuerAccount[], rootEnds: number, now: number): Verdict {
  const locked = accounts.find(({ since, opens }) => since !== null && !opens)
  if (locked !== undefined)
    return {
      status: "bad",
      verdict: `The key of the account at ${locked.authority} cannot be opened: it was sealed by another store-key.`,
      remedy:
        "Bring the file store-key of the data folder back from a backup; without it a new account is made and every certificate ordered anew.",
    }
  if (rootEnds - now < 180 * 86_400_000)
    return {
      status: "warn",
      verdict: `The root of the built-in CA ends ${new Date(rootEnds).toISOString().slice(0, 10)}.`,
      remedy: "Devices of the house will have to trust a new one from then on.",
    }
  if (accounts.length === 0) return { status: "ok", verdict: "The built-in CA certifies every name; no account anywhere is needed." }
  const said = accounts.map(({ authority, since }) =>
    since === null
      ? `the account at ${authority} is made with the first order`
      : `there is an account at ${authority} since ${since.slice(0, 10)}`,
  )
  const text = said.join(", and ")
  return { status: "ok", verdict: `${text.charAt(0).toUpperCase()}${text.slice(1)}.` }
}
