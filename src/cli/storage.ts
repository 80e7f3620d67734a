import { stat } from "node:fs/promises"
import { basename, join } from "node:path"
import { UsageError } from "./arguments"
import { ApiError, listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { bytes, date, fields, printable, table } from "./output"
import { keysCommand } from "./storage-keys"
import { moveFiles, movePlaces } from "./storage-move"
import { parsePlace } from "./storage-place"
import { fetchFile, type Progress, sendFile } from "./storage-transfer"

type Namespace = { name: string; count: number; visibility: number; bytes: number; quota_bytes: number | null }
type File = { name: string; size: number; modified_at: number; content_type: string }
type Preview = { name: string; objects: number; bytes: number; first_names: string[]; digest: string }

const commands: Record<string, Command> = {
  ls: {
    rest: [0, 1],
    async run({ api, show, rest: [where] }) {
      if (where === undefined) {
        return show(await api.get<Namespace[]>("/storage/namespaces"), (answer) => {
          const rows = listIn<Namespace>(answer).map((one) => [
            one.name,
            one.visibility === 0 ? "private" : "public",
            one.count,
            bytes(one.bytes),
            one.quota_bytes === null ? "-" : bytes(one.quota_bytes),
          ])
          return table(
            ["NAMESPACE", "VISIBILITY", "FILES", "SIZE", "QUOTA"],
            rows,
            'no namespaces; "freehold storage create NAME" makes one',
          )
        })
      }
      const { namespace, key } = parsePlace(where)
      const query = new URLSearchParams({ namespace, ...(key === "" ? {} : { prefix: key }) })
      show(await api.get<File[]>(`/storage/files?${query}`), (answer) => {
        const rows = listIn<File>(answer).map((file) => [file.name, bytes(file.size), date(file.modified_at, "-"), file.content_type])
        return table(["NAME", "SIZE", "MODIFIED", "TYPE"], rows, "no files")
      })
    },
  },
  create: {
    flags: { public: "switch", quota: "text" },
    rest: [1, 1],
    async run({ api, show, flags, rest: [name] }) {
      const quota = parseQuota(flags.text("quota"))
      let made = await api.post<Namespace>("/storage/namespaces", { name, visibility: flags.has("public") ? 1 : 0 })
      if (quota !== undefined) made = await api.put<Namespace>(namespacePath(name), { visibility: made.visibility, quota_bytes: quota })
      show(made, described)
    },
  },
  set: {
    flags: { visibility: "text", quota: "text" },
    rest: [1, 1],
    async run({ api, show, flags, rest: [name] }) {
      const visibility = flags.text("visibility")
      if (visibility !== undefined && visibility !== "private" && visibility !== "public")
        throw new UsageError("--visibility is private or public")
      const quota = parseQuota(flags.text("quota"))
      if (visibility === undefined && quota === undefined) throw new UsageError("set is followed by --visibility or --quota")
      const change = {
        ...(visibility === undefined ? {} : { visibility: visibility === "public" ? 1 : 0 }),
        ...(quota === undefined ? {} : { quota_bytes: quota }),
      }
      show(await api.put<Namespace>(namespacePath(name), change), described)
    },
  },
  put: {
    flags: { overwrite: "switch" },
    rest: [2, 2],
    async run({ api, show, flags, rest: [file = "", where = ""] }) {
      const { namespace, key } = parsePlace(where)
      const name = key === "" || key.endsWith("/") ? key + basename(file) : key
      const path = `${filePath(namespace, name)}?overwrite=${flags.has("overwrite")}`
      show(await sendFile(api, file, path), () => `${printable(`${namespace}/${name}`)} is stored\n`)
    },
  },
  get: {
    rest: [1, 2],
    async run({ api, show, io, rest: [where = "", to] }) {
      const { namespace, key } = parseFile(where)
      if (to === "-") return toOutput(api.stream(filePath(namespace, key)), io)
      const isFolder = to !== undefined && (await stat(to).catch(() => undefined))?.isDirectory() === true
      const file = isFolder ? join(to, basename(key)) : (to ?? basename(key))
      const size = await fetchFile(api, filePath(namespace, key), file, progressTo(io))
      show({ file, size }, () => `${printable(file)}: ${bytes(size)}\n`)
    },
  },
  rm: {
    flags: { yes: "switch" },
    rest: [1, 1],
    async run({ api, show, io, flags, rest: [where = ""] }) {
      const { namespace, key } = parsePlace(where)
      if (key !== "") return show(await api.delete(filePath(namespace, key)), () => `${printable(where)} removed\n`)
      const preview = await api.get<Preview>(`${namespacePath(namespace)}/deletion`)
      if (!flags.has("yes")) await confirm(io, preview)
      const answer = await api.delete(`${namespacePath(namespace)}?confirm=${encodeURIComponent(preview.digest)}`)
      show(answer, () => `${printable(namespace)} removed, with ${preview.objects} files\n`)
    },
  },
  mv: {
    flags: { overwrite: "switch" },
    rest: [2, 2],
    async run({ api, show, io, flags, rest: [source = "", target = ""] }) {
      const tell = (left: number) => io.err(`${left} files are still to be moved\n`)
      show(await moveFiles(api, movePlaces(source, target), flags.has("overwrite"), tell), ({ moved, namespace, name }) => {
        const what = moved === 1 ? "1 file" : `${moved} files`
        return `${what} moved to ${printable(`${namespace}/${name}`)}\n`
      })
    },
  },
  link: {
    flags: { expires: "text", inline: "switch" },
    rest: [1, 1],
    async run({ api, show, flags, rest: [where = ""] }) {
      const { namespace, key: name } = parseFile(where)
      const disposition = flags.has("inline") ? "inline" : "attachment"
      const link = await api.post<{ url: string; expires_at: number }>("/storage/links", {
        namespace,
        name,
        expires_in: parseDuration(flags.text("expires") ?? "1h"),
        disposition,
      })
      // Of the server that was asked, where it says nothing else.
      show({ ...link, url: new URL(link.url, api.server).href }, ({ url }) => `${printable(url)}\n`)
    },
  },
  usage: {
    async run({ api, show }) {
      show(await api.get<Record<string, unknown>>("/storage/usage"), (usage) =>
        fields(
          Object.fromEntries(
            Object.entries(usage).map(([name, value]) => [name, name.endsWith("bytes") && value !== null ? bytes(value) : value]),
          ),
        ),
      )
    },
  },
  keys: keysCommand,
}

/** Namespaces and files of the person who is logged in, links to files, and keys of the S3 door. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("storage", commands, args, io)

const namespacePath = (name: string | undefined) => `/storage/namespaces/${encodeURIComponent(name ?? "")}`

/** Slashes stay, since they part the folders of a name. */
const filePath = (namespace: string, key: string) =>
  `/storage/${encodeURIComponent(namespace)}/${key.split("/").map(encodeURIComponent).join("/")}`

function parseFile(text: string): { namespace: string; key: string } {
  const place = parsePlace(text)
  if (place.key === "" || place.key.endsWith("/")) throw new UsageError(`"${printable(text)}" names no file: it is NAMESPACE/NAME`)
  return place
}

/** Null takes the quota away. */
function parseQuota(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  if (text === "none") return null
  const parts = /^(\d{1,6})([KMGT])$/.exec(text)
  if (parts === null || Number(parts[1]) === 0) throw new UsageError("--quota is none, or a size such as 500M, 10G or 2T")
  return Number(parts[1]) * 1024 ** ("KMGT".indexOf(parts[2] ?? "") + 1)
}

function parseDuration(text: string): number {
  const parts = /^(\d{1,6})(s|m|h|d)$/.exec(text)
  const seconds = Number(parts?.[1]) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[parts?.[2] ?? ""] ?? Number.NaN)
  if (!(seconds > 0)) throw new UsageError("--expires is a duration such as 30m, 12h or 7d")
  return seconds
}

const described = (one: Namespace) =>
  fields({
    namespace: one.name,
    visibility: one.visibility === 0 ? "private" : "public",
    files: one.count,
    quota: one.quota_bytes === null ? "none" : bytes(one.quota_bytes),
  })

async function confirm(io: CommandIo, { name, objects, bytes: size, first_names: first }: Preview): Promise<void> {
  if (objects === 0) return
  const shown = first.slice(0, 5).map(printable).join(", ")
  io.err(`${printable(name)} has ${objects} files, ${bytes(size)}: ${shown}${objects > 5 ? ", …" : ""}\n`)
  const answer = await io.readLine(`type ${printable(name)} to delete all of it: `, { hidden: false })
  if (answer.trim() !== name) throw new ApiError(0, "nothing was deleted: the name was not typed (--yes asks nothing)")
}

/** The exit code: that of the shell where a signal ended it. */
async function toOutput(chunks: AsyncIterable<Uint8Array>, io: CommandIo): Promise<number> {
  if (io.console === undefined) throw new UsageError("there is no output to write to")
  const output = io.console()
  let resume = () => {}
  let isEnded = false
  const nothing = () => {}
  const onSignal = () => {
    isEnded = true
    resume()
  }
  output.start(
    { onInput: nothing, onInputEnd: nothing, onResize: nothing, onDrain: () => resume(), onSignal },
    { raw: false, input: false },
  )
  try {
    for await (const chunk of chunks) {
      if (!isEnded && !output.write(chunk, "stdout")) await new Promise<void>((resolve) => (resume = resolve))
      if (isEnded) return 130
    }
    return 0
  } finally {
    await output.stop()
  }
}

/** A line that is written over, where somebody looks at a terminal. */
function progressTo(io: CommandIo): Progress {
  const isWatched = io.console?.().size() !== undefined
  let toldAt = 0
  return (done, total) => {
    const now = performance.now()
    if (!isWatched || (now - toldAt < 250 && done !== total)) return
    toldAt = now
    io.err(`\r${bytes(done)}${total === undefined ? "" : ` of ${bytes(total)}`}\u001b[K${done === total ? "\r\u001b[K" : ""}`)
  }
}
