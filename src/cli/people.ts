import { parseNumber, UsageError } from "./arguments"
import { type ApiClient, ApiError, listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { date, fields, printable, table } from "./output"

type Person = {
  user_id: string
  username: string
  display_name: string
  role: string
  disabled: boolean
  created_at: number
  link?: string
  link_expires_at?: number
}

type Session = { id: number; username: string; ip_address: string; created_at: number; expires_at: number; is_current: boolean }
type SessionPage = { sessions: Session[]; next_cursor: string | null }

type Preview = {
  user_id: string
  username: string
  owns: { kind: string; count: number; items: { id: string; name: string }[] }[]
  digest: string
}

const commands: Record<string, Command> = {
  list: {
    async run({ api, show }) {
      show(await api.get<Person[]>("/admin/users"), (answer) => {
        const rows = listIn<Person>(answer).map((person) => [
          person.user_id,
          person.username,
          person.display_name,
          person.role,
          person.disabled ? "disabled" : "enabled",
          date(person.created_at, "-"),
        ])
        return table(["ID", "USERNAME", "NAME", "ROLE", "STATE", "SINCE"], rows, "nobody")
      })
    },
  },
  create: {
    flags: { "display-name": "text", admin: "switch", "password-stdin": "switch" },
    rest: [1, 1],
    async run({ api, show, flags, rest: [username], io }) {
      const password = flags.has("password-stdin") ? await io.readLine("", { hidden: true }) : undefined
      if (password === "") throw new UsageError("the password on standard input is empty")
      const body = { username, password, display_name: flags.text("display-name"), role: flags.has("admin") ? "admin" : "user" }
      show(await api.post<Person>("/admin/users", body), (person) => describe(person) + linkText(api, person))
    },
  },
  disable: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      const person = await find(api, rest[0])
      show(await api.post<Person>(`${path(person)}/disable`), () => `${printable(person.username)} is disabled, and signed in nowhere\n`)
    },
  },
  enable: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      const person = await find(api, rest[0])
      show(await api.post<Person>(`${path(person)}/enable`), () => `${printable(person.username)} is enabled\n`)
    },
  },
  role: {
    rest: [2, 2],
    async run({ api, show, rest: [who, role = ""] }) {
      if (role !== "admin" && role !== "user") throw new UsageError(`the role is admin or user, not "${role}"`)
      const person = await find(api, who)
      show(await api.put<Person>(`${path(person)}/role/${role}`, {}), () => `${printable(person.username)} is ${role} now\n`)
    },
  },
  delete: {
    flags: { yes: "switch", confirm: "text", preview: "switch" },
    rest: [1, 1],
    async run({ api, show, flags, rest, io }) {
      if (flags.has("preview") && (flags.has("yes") || flags.has("confirm")))
        throw new UsageError("--preview deletes nothing, so there is nothing to confirm")
      const person = await find(api, rest[0])
      const preview = await api.get<Preview>(`${path(person)}/deletion`)
      if (flags.has("preview")) return show(preview, previewText)
      let confirm = flags.text("confirm") ?? preview.digest
      if (!flags.has("yes") && !flags.has("confirm")) {
        io.err(previewText(preview))
        confirm = (await io.readLine(`type ${printable(person.username)} to delete all of it: `, { hidden: false })).trim()
        if (confirm !== person.username) {
          io.err("nothing was deleted\n")
          return 1
        }
      }
      const answer = await api.delete(`${path(person)}?confirm=${encodeURIComponent(confirm)}`)
      show(answer, () => `${printable(person.username)} deleted, and what they owned with them\n`)
    },
  },
  reset: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      const person = await find(api, rest[0])
      show(await api.post<Person>(`${path(person)}/reset`), (answer) => linkText(api, answer))
    },
  },
  sessions: {
    flags: { limit: "text", cursor: "text" },
    rest: [0, 1],
    async run({ api, show, flags, rest: [who = ""] }) {
      const limit = parseNumber("--limit", flags.text("limit") ?? "100", 1, 500)
      const query = new URLSearchParams({ person: who, limit: String(limit), cursor: flags.text("cursor") ?? "" })
      show(await api.get<SessionPage>(`/admin/sessions?${query}`), (answer) => {
        const rows = listIn<Session>(answer, "sessions").map((session) => [
          String(session.id),
          session.username,
          session.ip_address,
          date(session.created_at, "-"),
          date(session.expires_at, "-"),
          session.is_current ? "this one" : "",
        ])
        const more = answer.next_cursor === null ? "" : `older ones: --cursor ${printable(answer.next_cursor)}\n`
        return table(["ID", "USERNAME", "ADDRESS", "SINCE", "UNTIL", ""], rows, "nobody is signed in") + more
      })
    },
  },
  "end-session": {
    rest: [1, 1],
    async run({ api, show, rest: [id = ""] }) {
      const answer = await api.delete<Session>(`/admin/sessions/${encodeURIComponent(id)}`)
      show(answer, ({ username }) => `a session of ${printable(username)} is ended\n`)
    },
  },
}

/** People, for administrators: `list`, `create`, `disable`, `enable`, `role`, `delete`, `reset`, and their sessions. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("people", commands, args, io)

const path = ({ user_id }: Person) => `/admin/users/${encodeURIComponent(user_id)}`

/** The person with this id or username; an id goes first. */
async function find(api: ApiClient, who: string | undefined): Promise<Person> {
  const people = listIn<Person>(await api.get("/admin/users"))
  const person = people.find(({ user_id }) => user_id === who) ?? people.find(({ username }) => username === who)
  if (person === undefined) throw new ApiError(404, `nobody has the id or the username ${who}`)
  return person
}

const describe = (person: Person) => fields({ id: person.user_id, username: person.username, name: person.display_name, role: person.role })

/** The link leads to the server that was asked. */
function linkText(api: ApiClient, { link, link_expires_at }: Person): string {
  if (link === undefined) return ""
  return `${fields({ link: api.server + link, until: date(link_expires_at, "-") })}the link sets a password, once; give it to nobody else\n`
}

function previewText({ username, owns }: Preview): string {
  const rows = owns.flatMap(({ kind, items }) => items.map(({ id, name }) => [kind.replaceAll("_", " "), id, name]))
  return `${printable(username)} owns, and this would go too:\n${table(["WHAT", "ID", "NAME"], rows, "nothing")}`
}
