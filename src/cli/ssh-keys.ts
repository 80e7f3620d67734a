import { readFile } from "node:fs/promises"
import { basename } from "node:path"
import { UsageError } from "./arguments"
import { listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"

type SshKey = { id: number; name: string; public_key: string; fingerprint: string; created_at: string }

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<object>("/compute/ssh-keys"), (answer) => {
        const rows = listIn<SshKey>(answer, "ssh_keys").map((key) => [key.id, key.name, typeOf(key), key.fingerprint, key.created_at])
        return table(["ID", "NAME", "TYPE", "FINGERPRINT", "CREATED"], rows, 'no SSH keys; "freehold ssh-keys add FILE" adds one')
      })
    },
  },
  add: {
    flags: { name: "text" },
    rest: [1, 1],
    async run({ api, show, io, flags, rest }) {
      const [file = ""] = rest
      const line = (file === "-" ? await io.readLine("", { hidden: false }) : await readKey(file)).trim()
      const name = flags.text("name") ?? nameOf(line, file)
      const key = await api.post<SshKey>("/compute/ssh-keys", { name, public_key: line })
      show(key, ({ id, name, fingerprint }) => fields({ id, name, fingerprint }))
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(`/compute/ssh-keys/${encodeURIComponent(rest[0] ?? "")}`), () => `${printable(rest[0])} removed\n`)
    },
  },
}

/** SSH keys of the person who is logged in: `ls`, `add`, `rm`. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("ssh-keys", commands, args, io)

async function readKey(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`)
  }
  // The server would refuse it, but it is not to travel at all.
  if (text.includes("PRIVATE KEY")) throw new UsageError(`${file} is a private key: name the file that ends in .pub`)
  return text
}

/** What stands behind the key, which most often says whose and where it is; else the name of its file. */
function nameOf(line: string, file: string): string {
  const comment = line.split(/\s+/).slice(2).join(" ").slice(0, 64)
  return comment || (file === "-" ? "key" : basename(file, ".pub").slice(0, 64))
}

const typeOf = (key: SshKey) => key.public_key.split(" ")[0]
