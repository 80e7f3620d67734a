import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { Engine } from "./engine"
import { type Exec, type ExecOptions, startExec } from "./exec"
import { readFrames } from "./exec-frames"
import { parseSignal } from "./exec-signal"
import { EngineFault } from "./faults"

function frame(type: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = type
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

test("the two streams of a command are told apart, wherever the bytes are cut", () => {
  const bytes = Buffer.concat([frame(1, "hello "), frame(2, "oh"), frame(1, ""), frame(1, "world")])
  for (let size = 1; size <= bytes.length; size++) {
    const said = { stdout: "", stderr: "" }
    const take = readFrames((chunk, stream) => (said[stream] += chunk.toString()))
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
    expect(said).toEqual({ stdout: "hello world", stderr: "oh" })
  }
})

test.each([
  ["HUP", "SIGHUP"],
  ["sigterm", "SIGTERM"],
  ["SIGWINCH", "SIGWINCH"],
])("the signal %s is %s", (text, name) => expect(String(parseSignal(text))).toBe(name))

test.each(["", "SIG", "9", "HUP; reboot", "NOPE"])("%p is no signal", (text) => expect(() => parseSignal(text)).toThrow("is no signal"))

test("an engine that is not there is unavailable", async () => {
  const fault = await startExec({ socketPath: "/nowhere/engine.sock" }, "c", { command: ["true"] }).catch((error: unknown) => error)
  expect(fault).toMatchObject({ code: "unavailable" })
})

const obstacle = podmanObstacle()

describe.skipIf(obstacle !== undefined)(`with Podman${obstacle === undefined ? "" : ` (skipped: ${obstacle})`}`, () => {
  let lab: PodmanLab
  let id: string
  beforeAll(async () => {
    lab = await startPodman()
    const engine = new Engine(lab.socket)
    id = (await engine.create({ name: "exec", image: lab.image, memoryMb: 128, cpus: 1, pids: 100, labels: {} })).id
    await engine.start(id)
  }, 60_000)
  afterAll(() => lab?.stop(), 30_000)

  /** A command that is run, and what it has said by now. */
  async function start(command: string[], options: Omit<ExecOptions, "command"> = {}) {
    const exec = await startExec({ socketPath: lab.socket }, id, { ...options, command: ["/bin/busybox", ...command] })
    const said = { stdout: "", stderr: "" }
    exec.onOutput = (bytes, stream) => (said[stream] += bytes.toString())
    return { exec, said }
  }
  const shell = (script: string, options: Omit<ExecOptions, "command"> = {}) => start(["sh", "-c", script], options)
  const processes = async () => (await lab.run("exec", id, "/bin/busybox", "ps", "-o", "args")).split("\n").map((line) => line.trim())
  const runs = async (text: string) => (await processes()).includes(text)

  test("a command says what it has to say, and how it ended", async () => {
    const environment = { GREETING: "a=b c" }
    const { exec, said } = await shell("echo $GREETING; echo trouble >&2; pwd; id -u; exit 7", {
      environment,
      workingDir: "/www",
      user: "1",
    })
    expect(await exec.exit).toBe(7)
    expect(said).toEqual({ stdout: "a=b c\n/www\n1\n", stderr: "trouble\n" })
  })

  test("a command that is not in the container is refused by name or ends with a failure", async () => {
    const outcome = await startExec({ socketPath: lab.socket }, id, { command: ["/no/such/program"] }).then(
      (exec) => {
        exec.onOutput = () => {}
        return exec.exit
      },
      (error: unknown) => error,
    )
    if (typeof outcome === "number") expect(outcome).toBeGreaterThan(125)
    else expect(outcome).toBeInstanceOf(EngineFault)
    const fault = await startExec({ socketPath: lab.socket }, "absent", { command: ["true"] }).catch((error: unknown) => error)
    expect(fault).toMatchObject({ name: "EngineFault", status: 404 })
  })

  test("what is written comes to the command whole, and the end of it too", async () => {
    const bytes = randomBytes(3_000_000)
    const { exec, said } = await start(["sha256sum"])
    let at = 0
    const send = () => {
      while (at < bytes.length) if (!exec.write(bytes.subarray(at, (at += 65_536)))) return
      exec.endInput()
    }
    exec.onDrain = send
    send()
    expect(await exec.exit).toBe(0)
    expect(said.stdout).toStartWith(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"))
  }, 20_000)

  test("ten megabytes come out whole to a reader that pauses again and again", async () => {
    const { exec } = await shell("busybox=/bin/busybox; $busybox yes 0123456789abcde | $busybox head -c 10000000")
    let received = 0
    exec.onOutput = (bytes) => {
      received += bytes.length
      exec.pause()
      setTimeout(() => exec.resume(), 1)
    }
    expect(await exec.exit).toBe(0)
    expect(received).toBe(10_000_000)
  }, 30_000)

  test("a reader that pauses makes the command wait", async () => {
    const { exec } = await shell("i=0; while [ $i -lt 300 ]; do /bin/busybox head -c 100000 /dev/zero; i=$((i+1)); echo $i >/written; done")
    exec.pause()
    exec.onOutput = () => {}
    const written = () => lab.run("exec", id, "/bin/busybox", "cat", "/written")
    let before = ""
    await waitUntil(
      async () => {
        const now = await written()
        const stands = now === before
        before = now
        return stands
      },
      { what: "the command to stand still", everyMs: 300 },
    )
    expect(Number(before)).toBeLessThan(150)
    exec.resume()
    expect(await exec.exit).toBe(0)
    expect(await written()).toBe("300\n")
  }, 30_000)

  test("a terminal has the size it was given, and each that follows", async () => {
    const { exec, said } = await shell("trap 'stty size' WINCH; stty size; echo $TERM; while :; do sleep 0.1; done", {
      tty: { columns: 90, rows: 30 },
    })
    // Podman sets it beside the command's start: a slow one is told of it by a signal.
    await waitUntil(() => ["30 90\r\n", "xterm-256color\r\n"].every((line) => said.stdout.includes(line)), { what: "the first size" })
    await exec.resize(120, 50)
    await waitUntil(() => said.stdout.endsWith("50 120\r\n"), { what: "the second size" })
    exec.write(Buffer.from("\u0003"))
    expect(await exec.exit).toBe(130)
  })

  test("a terminal's shell takes keys, and ends at the key that ends the input", async () => {
    const { exec, said } = await start(["sh"], { tty: { columns: 80, rows: 24 } })
    exec.write(Buffer.from("echo $((6*7))\n"))
    await waitUntil(() => said.stdout.includes("42"), { what: "the answer" })
    exec.endInput()
    expect(await exec.exit).toBe(0)
  })

  test("a signal comes to the command, and to what runs in the foreground of a terminal", async () => {
    const plain = await shell("trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done")
    await waitUntil(() => plain.said.stdout === "ready\n", { what: "the command to be ready" })
    await plain.exec.kill("USR1")
    expect(await plain.exec.exit).toBe(5)
    await plain.exec.kill("TERM")
    const { exec, said } = await start(["sh", "-i"], { tty: { columns: 80, rows: 24 } })
    exec.write(Buffer.from("/bin/busybox sleep 1000; echo it ended with $?\n"))
    await waitUntil(() => runs("/bin/busybox sleep 1000"), { what: "the sleep" })
    // An interactive shell does not listen to it.
    await exec.kill("TERM")
    await waitUntil(() => said.stdout.includes("it ended with 143"), { what: "the end of the sleep" })
    exec.close()
    await exec.exit
  })

  test("where the engine's processes are not ours to see, a shell in the container sends the signal", async () => {
    const { exec, said } = await shell("trap 'exit 6' TERM; echo ready; while :; do sleep 0.1; done")
    await waitUntil(() => said.stdout === "ready\n", { what: "the command to be ready" })
    const { calls } = exec as unknown as { calls: { inspect(id: string): Promise<{ running: boolean; exitCode: number; pid?: number }> } }
    const { inspect } = calls
    calls.inspect = async (one) => ({ ...(await inspect.call(calls, one)), pid: undefined })
    await exec.kill("TERM")
    expect(await exec.exit).toBe(6)
  })

  test("a close ends the command, even one that does not listen", async () => {
    const kinds: [string, Exec][] = [
      ["/bin/busybox sleep 2001", (await start(["sleep", "2001"])).exec],
      ["/bin/busybox sleep 2002", (await start(["sleep", "2002"], { tty: { columns: 80, rows: 24 } })).exec],
      ["/bin/busybox sh -c trap '' HUP; sleep 2003; sleep 2003", (await shell("trap '' HUP; sleep 2003; sleep 2003")).exec],
    ]
    for (const [text] of kinds) await waitUntil(() => runs(text), { what: text })
    for (const [, exec] of kinds) exec.close()
    expect(await Promise.all(kinds.map(([, exec]) => exec.exit))).toEqual([129, 129, 137])
    for (const [text] of kinds) expect(await runs(text)).toBe(false)
  }, 20_000)

  test("the end of the engine is told", async () => {
    const { exec } = await start(["sleep", "3000"])
    await lab.kill()
    expect(await exec.exit.catch((error: unknown) => error)).toMatchObject({ code: "unavailable" })
    await lab.restart()
  })
})
