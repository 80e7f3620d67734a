import { randomBytes } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client } from "ssh2"
import type { Exec, ExecOptions } from "../engine/exec"
import { createLog } from "../log"
import { type GatewayNeeds, SshGateway } from "./gateway"
import { makeHostKey } from "./host-key"
import type { SshAttempt, SshDecision } from "./login"

/** A command on this machine in the place of one in a container; it has no terminal. */
export async function localExec(options: ExecOptions): Promise<Exec> {
  const child = Bun.spawn(options.command, {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: "/usr/bin:/bin", ...options.environment },
  })
  const room = { wait: undefined as PromiseWithResolvers<void> | undefined }
  const pump = async (stream: ReadableStream<Uint8Array>, name: "stdout" | "stderr") => {
    for await (const chunk of stream) {
      await room.wait?.promise
      exec.onOutput(Buffer.from(chunk), name)
    }
  }
  const exec: Exec = {
    write: (bytes) => {
      void child.stdin.write(bytes)
      void child.stdin.flush()
      return true
    },
    endInput: () => void child.stdin.end(),
    resize: async () => {},
    pause: () => void (room.wait ??= Promise.withResolvers()),
    resume: () => {
      room.wait?.resolve()
      room.wait = undefined
    },
    kill: async (signal) => child.kill(`SIG${signal}` as NodeJS.Signals),
    exit: Promise.resolve()
      .then(() => Promise.all([pump(child.stdout, "stdout"), pump(child.stderr, "stderr"), child.exited]))
      .then(() => child.exitCode ?? 128 + (child.signalCode === "SIGTERM" ? 15 : 9)),
    onOutput: () => {},
    onDrain: () => {},
    close: () => {
      exec.onOutput = () => {}
      room.wait?.resolve()
      child.kill("SIGKILL")
    },
  }
  return exec
}

export type House = Awaited<ReturnType<typeof startHouse>>

/** A gateway with one container, `c0ffee01`, which one key opens, and the files of that key and of another for OpenSSH's client. */
export async function startHouse(change: Partial<GatewayNeeds> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "freehold-ssh-"))
  const newKey = () => makeHostKey(randomBytes(32).toString("hex"))
  const keys = { own: newKey(), other: newKey() }
  for (const [name, key] of Object.entries(keys)) await writeFile(join(folder, name), key.privateKey, { mode: 0o600 })
  const attempts: SshAttempt[] = []
  const logged: string[] = []
  const state = { refusal: undefined as string | undefined, address: "127.0.0.1" as string | undefined }
  const hostKey = makeHostKey("5a".repeat(32))
  const decide = (login: string, fingerprint: string): SshDecision => {
    if (!login.endsWith("c0ffee01")) return { refusal: "no such container" }
    const known = { containerId: "c0ffee01" }
    if (fingerprint !== keys.own.fingerprint) return { refusal: "not a key of the container's owner", ...known }
    if (state.refusal !== undefined) return { refusal: state.refusal, ...known }
    return {
      grant: {
        ...known,
        personId: "u1",
        engineId: "e",
        address: state.address,
        user: undefined,
        publicKey: keys.own.publicKey,
      },
    }
  }
  const gateway = new SshGateway({
    hostKey: hostKey.privateKey,
    authorize: async (login, fingerprint) => decide(login, fingerprint),
    startExec: (_grant, options) => localExec(options),
    onAttempt: (attempt) => void attempts.push(attempt),
    log: createLog("debug", (text) => logged.push(text)),
    now: Date.now,
    ...change,
  })
  const { port } = await gateway.start({ host: "127.0.0.1", port: 0 })
  await writeFile(join(folder, "known_hosts"), `[127.0.0.1]:${port} ${hostKey.publicKey}\n`)

  /** OpenSSH's options for this gateway, where an unknown host key is a fault. */
  const options = (key: "own" | "other" = "own") =>
    [
      ["-F", "none", "-i", join(folder, key)],
      ["IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "StrictHostKeyChecking=yes", "LogLevel=ERROR"].flatMap((one) => [
        "-o",
        one,
      ]),
      ["-o", `UserKnownHostsFile=${join(folder, "known_hosts")}`],
    ].flat()
  /** Runs `ssh` to its end. */
  const ssh = async (words: string[], given: { input?: string; key?: "own" | "other"; login?: string } = {}) => {
    const { input = "", key = "own", login = "c0ffee01" } = given
    const command = ["ssh", ...options(key), "-p", String(port), ...words.slice(0, -1), `${login}@127.0.0.1`, ...words.slice(-1)]
    const child = Bun.spawn(command, { stdin: new TextEncoder().encode(input), stdout: "pipe", stderr: "pipe", timeout: 20_000 })
    const [out, err, code] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text(), child.exited])
    return { code, out: Buffer.from(out), err }
  }
  const stop = async () => {
    await gateway.stop()
    await rm(folder, { recursive: true })
  }
  return { gateway, port, folder, keys, hostKey, attempts, logged, state, options, ssh, stop }
}

/** A client of another make than OpenSSH's, with the key that opens the container. */
export async function loggedIn(house: House): Promise<Client> {
  const client = new Client()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.on("ready", resolve).on("error", reject)
  client.connect({ host: "127.0.0.1", port: house.port, username: "c0ffee01", privateKey: house.keys.own.privateKey })
  await promise
  return client
}
