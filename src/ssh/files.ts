import type { ServerChannel } from "ssh2"
import type { ContainerFiles } from "../engine/archive"
import type { Exec, ExecOptions } from "../engine/exec"
import type { ChannelOutput } from "./channel-output"
import type { Drafts } from "./drafts"
import type { SshGrant } from "./login"
import { loginCommand } from "./login-command"
import { PacketReader } from "./sftp-wire"
import { SftpServer } from "./sftp-server"
import { TarReader } from "./tar"

export type FileNeeds = {
  startExec: (grant: SshGrant, options: ExecOptions) => Promise<Exec>
  files: (grant: SshGrant) => ContainerFiles
  drafts: Drafts
  now: () => number
}

const places = ["/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server", "/usr/libexec/openssh/sftp-server"]
const findServer = `for file in ${places.join(" ")}; do [ -x "$file" ] && echo "$file" && exit 0; done; exit 1`
const lookLimitMs = 10_000
/** A file may be moved from one file system to another. */
const runLimitMs = 600_000
const maxSaid = 4096
const maxWaiting = 64
const maxPasswdBytes = 256 * 1024

/**
 * The file subsystem of a session, which `sftp` and `scp` use: the container's own sftp-server, or ours over the engine's archive where it has
 * none. Resolves with the exit code when the client has ended it.
 */
export async function serveFiles(needs: FileNeeds, grant: SshGrant, channel: ServerChannel, output: ChannelOutput): Promise<number> {
  const server = await lookFor(needs, grant, channel)
  // As sshd does it: by the person's shell, in their home, where relative paths begin.
  if (server !== undefined)
    return carry(await needs.startExec(grant, { command: loginCommand(`exec ${server}`), user: grant.user }), channel, output)
  const files = needs.files(grant)
  const run = async (command: string[]) => (await runHelper(needs, grant, command, channel, runLimitMs)).code
  const person = await findPerson(files, grant.user)
  const sftp = new SftpServer({ files, ...person, room: needs.drafts.roomOf(grant.personId), run, now: needs.now })
  try {
    await answerAll(sftp, channel, output)
    return 0
  } finally {
    await sftp.close()
  }
}

/** The path of the container's sftp-server; undefined where it has none, or no shell to look for it. */
async function lookFor(needs: FileNeeds, grant: SshGrant, channel: ServerChannel): Promise<string | undefined> {
  try {
    const { code, said } = await runHelper(needs, grant, ["/bin/sh", "-c", findServer], channel, lookLimitMs)
    return code === 0 ? places.find((place) => place === said.trim()) : undefined
  } catch {
    return undefined
  }
}

/** A small command to its end, with the beginning of what it says; it is ended with the channel, and when its time is over. */
async function runHelper(needs: FileNeeds, grant: SshGrant, command: string[], channel: ServerChannel, limitMs: number) {
  const exec = await needs.startExec(grant, { command, user: grant.user })
  let said = ""
  exec.onOutput = (bytes) => {
    if (said.length < maxSaid) said += bytes.toString()
  }
  exec.endInput()
  const end = () => exec.close()
  const timer = setTimeout(end, limitMs)
  channel.once("close", end)
  try {
    return { code: await exec.exit, said: said.slice(0, maxSaid) }
  } finally {
    clearTimeout(timer)
    channel.off("close", end)
  }
}

async function carry(exec: Exec, channel: ServerChannel, output: ChannelOutput): Promise<number> {
  exec.onDrain = () => channel.resume()
  output.onRoom = () => exec.resume()
  exec.onOutput = (bytes, stream) => {
    if (!output.write(bytes, stream)) exec.pause()
  }
  channel.on("data", (bytes: Buffer) => {
    if (!exec.write(bytes)) channel.pause()
  })
  channel.on("end", () => exec.endInput())
  channel.on("close", () => exec.close())
  return exec.exit
}

/** One request after the other, until the client has ended or left. */
function answerAll(sftp: SftpServer, channel: ServerChannel, output: ChannelOutput): Promise<void> {
  const reader = new PacketReader()
  const waiting: Buffer[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let isWorking = false
  let hasEnded = false
  const work = async () => {
    if (isWorking) return
    isWorking = true
    for (let packet = waiting.shift(); packet !== undefined; packet = waiting.shift()) {
      const roomFor = output.write(await sftp.answer(packet))
      if (!roomFor) await new Promise<void>((room) => (output.onRoom = room))
      if (waiting.length < maxWaiting / 2) channel.resume()
    }
    isWorking = false
    if (hasEnded) resolve()
  }
  channel.on("data", (bytes: Buffer) => {
    try {
      waiting.push(...reader.push(bytes))
    } catch (error) {
      return reject(error)
    }
    if (waiting.length >= maxWaiting) channel.pause()
    work().catch(reject)
  })
  const end = () => {
    hasEnded = true
    if (!isWorking) resolve()
  }
  channel.on("end", end)
  // Who has left reads no answer, so nobody waits for one to be taken.
  channel.on("close", () => {
    waiting.length = 0
    resolve()
  })
  return promise
}

/** Home and numbers of the user as the container's /etc/passwd has them; root's where it says nothing. */
async function findPerson(files: ContainerFiles, user: string | undefined) {
  const name = user ?? "root"
  const passwd = await readSmall(files, "/etc/passwd").catch(() => "")
  const fields = passwd.split("\n").map((line) => line.split(":"))
  const line = fields.find((words) => words[0] === name) ?? fields.find((words) => words[2] === name)
  const home = line?.[5] ?? "/root"
  const isThere = home.startsWith("/") && (await files.stat(home).catch(() => undefined)) !== undefined
  return { home: isThere ? home : "/", owner: { uid: Number(line?.[2] ?? 0), gid: Number(line?.[3] ?? 0) } }
}

async function readSmall(files: ContainerFiles, path: string): Promise<string> {
  const abort = new AbortController()
  try {
    const tar = new TarReader(await files.read(path, abort.signal))
    await tar.next()
    return (await tar.read(maxPasswdBytes)).toString()
  } finally {
    abort.abort()
  }
}
