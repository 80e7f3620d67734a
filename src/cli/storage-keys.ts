import { UsageError } from "./arguments"
import { listIn } from "./client"
import type { Command } from "./command"
import { date, fields, printable, table } from "./output"

type Key = { id: string; name: string; scopes: Record<string, string[]> | null; created_at: number; last_used_at: number }

const path = "/storage/keys"

/** `storage keys`: access keys of the S3 door. The secret is shown once. */
export const keysCommand: Command = {
  rest: [0, 2],
  async run({ api, show, rest: [verb = "ls", what] }) {
    if (verb === "add" && what !== undefined) {
      return show(await api.post<Key & { secret: string }>(path, { name: what }), ({ id, name, secret }) =>
        fields({ name, "access key": id, "secret key": secret, note: "the secret is shown this once" }),
      )
    }
    if (verb === "rm" && what !== undefined)
      return show(await api.delete(`${path}/${encodeURIComponent(what)}`), () => `${printable(what)} removed\n`)
    if (verb !== "ls" || what !== undefined) throw new UsageError("keys is followed by nothing, ls, add NAME or rm ID")
    show(await api.get<object>(path), (answer) => {
      const rows = listIn<Key>(answer, Array.isArray(answer) ? undefined : "keys").map((key) => [
        key.id,
        key.name,
        key.scopes === null ? "all" : Object.keys(key.scopes).join(" "),
        date(key.created_at, "-"),
        date(key.last_used_at, "never"),
      ])
      return table(["ACCESS KEY", "NAME", "SCOPES", "CREATED", "LAST USED"], rows, 'no keys; "freehold storage keys add NAME" makes one')
    })
  },
}
