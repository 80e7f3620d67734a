import { afterEach, expect, test } from "bun:test"
import { createServer, connect as connectTcp, type Socket } from "node:net"
import { Client, type ClientChannel } from "ssh2"
import { waitUntil } from "../../test/lab/process"
import { AppError } from "../errors"
import { type House, localExec, loggedIn, startHouse } from "./gateway.fixture"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(change: Parameters<typeof startHouse>[0] = {}): Promise<House> {
  const house = await startHouse(change)
  cleanups.push(() => house.stop())
  return house
}

/** A client of another make than OpenSSH's, logged in. */
async function connectClient(house: House): Promise<Client> {
  const client = await loggedIn(house)
  cleanups.push(() => client.end())
  return client
}

const exec = (client: Client, command: string) =>
  new Promise<ClientChannel>((resolve, reject) => client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel))))

test("OpenSSH's client runs a command: input, both outputs and the exit code come through", async () => {
  const house = await start()
  const { code, out, err } = await house.ssh(["read line; echo got $line; echo trouble >&2; exit 7"], { input: "hello\n" })
  expect([code, out.toString(), err]).toEqual([7, "got hello\n", "trouble\n"])
  const who = { login: "c0ffee01", address: "127.0.0.1", personId: "u1", containerId: "c0ffee01" }
  expect(house.attempts).toEqual([{ outcome: "allowed", ...who, fingerprint: expect.stringMatching(/^SHA256:.{43}$/), reason: undefined }])
})

test("a shell is there without a command, and knows where the client is", async () => {
  const house = await start()
  const sent = ["-o", "SetEnv=LC_TEST=yes FORBIDDEN=no"]
  const shell = await house.ssh([...sent, "-T"], { input: "echo [$LC_TEST] [$FORBIDDEN] ${SSH_CONNECTION%% *}\nexit 3\n" })
  expect([shell.code, shell.out.toString()]).toEqual([3, "[yes] [] 127.0.0.1\n"])
})

test("10 MB come out and go in whole", async () => {
  const house = await start()
  const big = await house.ssh(["head -c 10485760 /dev/zero | tr '\\0' x"])
  expect([big.code, big.out.length, big.out.every((byte) => byte === 120)]).toEqual([0, 10_485_760, true])
  const sum = await house.ssh(["wc -c"], { input: "y".repeat(10_485_760) })
  expect(sum.out.toString().trim()).toBe("10485760")
})

const strangers: [string, { key?: "other"; login?: string }, string][] = [
  ["a wrong key", { key: "other" }, "not a key of the container's owner"],
  ["an unknown container", { login: "c0ffee02" }, "no such container"],
  ["somebody's name", { login: "root" }, "no such container"],
]

test("keys are exchanged anew in the middle of a stream, in both directions", async () => {
  const house = await start()
  const flags = ["-o", "RekeyLimit=128K"]
  const out = await house.ssh([...flags, "head -c 3000000 /dev/zero | tr '\\0' x"])
  expect([out.code, out.out.length]).toEqual([0, 3_000_000])
  const sum = await house.ssh([...flags, "wc -c"], { input: "y".repeat(3_000_000) })
  expect([sum.code, sum.out.toString().trim()]).toEqual([0, "3000000"])
}, 20_000)

test.each(["aes128-gcm@openssh.com", "aes256-ctr"])("the cipher %s is spoken", async (cipher) => {
  const house = await start()
  expect((await house.ssh(["-o", `Ciphers=${cipher}`, "echo fine"])).out.toString()).toBe("fine\n")
})

test.each(["HostKeyAlgorithms=ssh-rsa", "KexAlgorithms=diffie-hellman-group14-sha1", "MACs=hmac-sha1", "Ciphers=aes128-cbc"])(
  "%s is not spoken",
  async (old) => {
    const house = await start()
    const cipher = old.startsWith("MACs") ? ["-o", "Ciphers=aes128-ctr"] : []
    expect((await house.ssh([...cipher, "-o", old, "true"])).code).toBe(255)
    expect((await house.ssh([...cipher, "true"])).code).toBe(0)
    expect(house.attempts).toHaveLength(1)
  },
)

test.each(strangers)("%s hears nothing but a refusal", async (_what, given, reason) => {
  const house = await start()
  const { code, out, err } = await house.ssh(["true"], given)
  const login = given.login ?? "c0ffee01"
  expect([code, out.toString(), err.trim()]).toEqual([255, "", `${login}@127.0.0.1: Permission denied (publickey).`])
  await waitUntil(() => house.attempts.length > 0, { what: "the attempt to be told" })
  expect(house.attempts).toEqual([expect.objectContaining({ outcome: "denied", login, reason })])
})

test("a closed container sounds like an unknown one", async () => {
  const house = await start()
  house.state.refusal = "SSH is switched off for the container"
  expect((await house.ssh(["true"])).err.trim()).toBe("c0ffee01@127.0.0.1: Permission denied (publickey).")
  await waitUntil(() => house.attempts[0]?.reason === house.state.refusal, { what: "the reason to be told" })
})

test("passwords are not asked for, and tries have an end", async () => {
  const house = await start({ limits: { tries: 3 } })
  const client = new Client()
  const errors: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  client.on("error", (error) => errors.push(error.message)).on("close", () => resolve())
  client.connect({
    host: "127.0.0.1",
    port: house.port,
    username: "c0ffee01",
    authHandler: (_left, _partial, next) => next({ type: "password", username: "c0ffee01", password: "guess" }),
  })
  await promise
  expect(house.attempts).toEqual([expect.objectContaining({ outcome: "denied", reason: "the method password is not offered" })])
})

test("an address that fails too often is not listened to until its time is over", async () => {
  const clock = { ms: 0 }
  const house = await start({ limits: { failures: 2, rateMs: 1000 }, now: () => clock.ms })
  for (let attempt = 0; attempt < 2; attempt++) {
    await house.ssh(["true"], { key: "other" })
    await waitUntil(() => house.attempts.length > attempt, { what: "the attempt to be told" })
  }
  expect((await house.ssh(["true"])).code).toBe(255)
  expect(house.attempts).toHaveLength(2)
  clock.ms = 1001
  expect((await house.ssh(["true"])).code).toBe(0)
})

test("who does not log in is dropped when the time is over, and so is who comes too many", async () => {
  const house = await start({ limits: { loginMs: 100, connectionsPerAddress: 2 } })
  const ended = () =>
    new Promise<number>((resolve) => {
      const began = performance.now()
      const socket = connectTcp({ host: "127.0.0.1", port: house.port })
      socket.on("error", () => {}).on("close", () => resolve(performance.now() - began))
      socket.resume()
    })
  const [first, second, third] = await Promise.all([ended(), ended(), ended()])
  expect(Math.min(first, second)).toBeGreaterThan(90)
  expect(third).toBeLessThan(90)
})

test("a login that no longer holds is ended with what runs in it", async () => {
  const house = await start({ limits: { recheckMs: 50 } })
  const running = house.ssh(["sleep 30"])
  await waitUntil(() => house.attempts.length === 1, { what: "the login" })
  house.state.refusal = "SSH is switched off for the container"
  expect((await running).code).toBe(255)
})

test("a connection with nothing open in it is ended", async () => {
  const house = await start({ limits: { idleMs: 100 } })
  const client = await connectClient(house)
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()))
  const channel = await exec(client, "sleep 0.3")
  channel.resume()
  await closed
})

test("sessions and forwards of one connection are counted", async () => {
  const house = await start({ limits: { sessions: 2 } })
  const client = await connectClient(house)
  const first = await exec(client, "cat")
  await exec(client, "cat")
  expect(await exec(client, "cat").catch((error: Error) => error.message)).toContain("Channel open failure")
  const closed = new Promise((resolve) => first.on("close", resolve))
  first.end()
  first.resume()
  await closed
  const next = await exec(client, "exit 4")
  expect(await new Promise((resolve) => next.on("exit", resolve).resume())).toBe(4)
})

test("the sessions of one person are counted over all of their connections", async () => {
  const house = await start({ limits: { sessionsPerPerson: 3 } })
  const [one, two] = [await connectClient(house), await connectClient(house)]
  const first = await exec(one, "cat")
  await exec(one, "cat")
  await exec(two, "cat")
  const refused = () =>
    exec(two, "cat").then(
      () => "opened",
      (error: Error) => error.message,
    )
  expect(await refused()).toContain("Channel open failure")
  const closed = new Promise((resolve) => first.on("close", resolve))
  first.end()
  first.resume()
  await closed
  expect(await refused()).toBe("opened")
})

test("those who have not logged in yet keep nobody out who has, nor other addresses", async () => {
  const house = await start({ limits: { startsPerAddress: 3 } })
  const client = await connectClient(house)
  const silent = Array.from({ length: 3 }, () => connectTcp({ host: "127.0.0.1", port: house.port }))
  cleanups.push(() => silent.forEach((socket) => socket.destroy()))
  await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once("data", resolve))))
  expect((await house.ssh(["true"])).code).toBe(255)
  const channel = await exec(client, "exit 3")
  expect(await new Promise((resolve) => channel.on("exit", resolve).resume())).toBe(3)
  silent[0]?.destroy()
  await waitUntil(async () => (await house.ssh(["true"])).code === 0, { what: "the place of the one who left" })
})

test("a signal of the client reaches the command, and its end says so", async () => {
  const house = await start()
  const client = await connectClient(house)
  const channel = await exec(client, "exec sleep 30")
  setTimeout(() => channel.signal("TERM"), 200)
  const ending = await new Promise((resolve) => channel.on("exit", (...words: unknown[]) => resolve(words)).resume())
  expect(ending).toEqual([null, "SIGTERM", false, ""])
})

test("a client that reads slowly gets both streams whole, although its window was used up", async () => {
  const house = await start()
  const client = await connectClient(house)
  const channel = await exec(
    client,
    "for i in 1 2 3 4; do head -c 3000000 /dev/zero | tr '\\0' $i; head -c 3000000 /dev/zero | tr '\\0' $i >&2; done",
  )
  const sums = { out: new Map<number, number>(), err: new Map<number, number>() }
  const count = (sum: Map<number, number>) => (bytes: string | Uint8Array) => {
    for (const byte of Buffer.from(bytes)) sum.set(byte, (sum.get(byte) ?? 0) + 1)
  }
  await Bun.sleep(300)
  const ended = new Promise((resolve) => channel.on("close", resolve))
  channel.on("data", count(sums.out))
  await Bun.sleep(200)
  channel.stderr.on("data", count(sums.err))
  await ended
  const whole = [..."1234"].map((digit): [number, number] => [digit.charCodeAt(0), 3_000_000])
  expect([[...sums.out], [...sums.err]]).toEqual([whole, whole])
}, 20_000)

test("a client that announces a great window and does not read holds the command back", async () => {
  let given = 0
  const house = await start({
    startExec: async (_grant, options) => {
      const made = await localExec(options)
      return Object.defineProperty(made, "onOutput", {
        set(output: typeof made.onOutput) {
          const counted: typeof made.onOutput = (bytes, stream) => {
            given += bytes.length
            output(bytes, stream)
          }
          Object.defineProperty(made, "onOutput", { value: counted, writable: true })
        },
        get: () => () => {},
        configurable: true,
      })
    },
  })
  const client = await connectClient(house)
  const protocol = Reflect.get(client, "_protocol") as {
    session: (channel: number, window: number, packet: number) => void
    exec: (channel: number, command: string, wantReply: boolean) => void
  }
  protocol.session(0, 2_000_000_000, 32_768)
  await Bun.sleep(100)
  protocol.exec(0, "yes", false)
  ;(Reflect.get(client, "_sock") as Socket).pause()
  await waitUntil(() => given > 0, { what: "the command to say something" })
  let before = -1
  await waitUntil(
    async () => {
      const isStill = before === given
      before = given
      return isStill
    },
    { everyMs: 500, what: "the command to be held back" },
  )
  // What the kernel's buffers take at both ends, and a little of ours.
  expect(given).toBeLessThan(20_000_000)
  client.destroy()
}, 20_000)

test("a session that cannot start says why in a sentence", async () => {
  const house = await start({
    startExec: () => Promise.reject(new AppError("unavailable", "the container engine does not answer")),
  })
  const { code, err } = await house.ssh(["true"])
  expect([code, err]).toEqual([255, "freehold: the container engine does not answer\r\n"])
})

test("a client that opens a session, starts nothing and leaves harms nobody", async () => {
  const house = await start()
  const client = await connectClient(house)
  // What OpenSSH would never do: the channel is open, and no request follows.
  const protocol = Reflect.get(client, "_protocol") as { session: (...args: number[]) => void }
  protocol.session(0, 2_000_000, 32_768)
  await Bun.sleep(100)
  client.end()
  await Bun.sleep(100)
  expect((await house.ssh(["echo fine"])).out.toString()).toBe("fine\n")
})

/** A server at 127.0.0.1 that answers a whole message only when the client has ended it. */
async function startEcho(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = []
    socket.on("data", (part) => parts.push(Buffer.from(part))).on("end", () => socket.end(Buffer.concat(parts).reverse()))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  cleanups.push(() => server.close())
  return (server.address() as { port: number }).port
}

test("a forwarded port leads to the container, each direction ending by itself", async () => {
  const house = await start()
  const port = await startEcho()
  const message = Buffer.alloc(3_000_000, "abc")
  const child = Bun.spawn(["ssh", ...house.options(), "-p", String(house.port), "-W", `localhost:${port}`, "c0ffee01@127.0.0.1"], {
    stdin: message,
    stdout: "pipe",
  })
  const out = Buffer.from(await new Response(child.stdout).bytes())
  expect(out.equals(Buffer.from(message).reverse())).toBe(true)
})

test.each([
  ["example.com", 80],
  ["10.0.0.1", 22],
  ["localhost", 0],
  ["0.0.0.0", 22],
])("%s:%d is no port of the container", async (host, port) => {
  const house = await start()
  const client = await connectClient(house)
  const message = await new Promise((resolve) => client.forwardOut("127.0.0.1", 1, host, port, (error) => resolve(error?.message)))
  expect(message).toContain("Channel open failure")
})

test("a port where nobody listens, and a container without an address, refuse", async () => {
  const house = await start()
  const client = await connectClient(house)
  const ask = (port: number) =>
    new Promise((resolve) => client.forwardOut("127.0.0.1", 1, "localhost", port, (error) => resolve(error?.message)))
  expect(await ask(1)).toContain("Channel open failure")
  house.state.address = undefined
  expect(await ask(await startEcho())).toContain("Channel open failure")
})

test("a port that would listen on the server, an agent and a subsystem are refused", async () => {
  const house = await start()
  const { code, err } = await house.ssh(["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "true"])
  expect([code, err]).toEqual([255, expect.stringContaining("remote port forwarding failed")])
  expect((await house.ssh(["-A", "echo agent $SSH_AUTH_SOCK"])).out.toString()).toBe("agent\n")
  const client = await connectClient(house)
  expect(await new Promise((resolve) => client.subsys("netconf", (error) => resolve(error?.message)))).toBe(
    "Unable to start subsystem: netconf",
  )
})

test("the end closes every connection and what runs in it", async () => {
  const house = await startHouse()
  let closed = 0
  const watched = await startHouse({
    startExec: async (_grant, options) => {
      const made = await localExec(options)
      const close = made.close.bind(made)
      made.close = () => {
        closed++
        close()
      }
      return made
    },
  })
  const running = watched.ssh(["sleep 30"])
  await waitUntil(() => watched.attempts.length === 1, { what: "the login" })
  await Bun.sleep(200)
  await watched.stop()
  expect((await running).code).toBe(255)
  expect(closed).toBe(1)
  await house.stop()
})

test("of a window that is dragged the engine hears the newest size, also of one that changed while the command was started", async () => {
  const sizes: string[] = []
  const started = Promise.withResolvers<void>()
  const house = await start({
    startExec: async (_grant, options) => {
      await started.promise
      const made = await localExec({ ...options, command: ["sleep", "5"] })
      made.resize = async (columns, rows) => {
        sizes.push(`${columns}x${rows}`)
        await Bun.sleep(20)
      }
      return made
    },
  })
  const client = await connectClient(house)
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.shell({ cols: 80, rows: 24 }, (error, made) => (error ? reject(error) : resolve(made))),
  )
  channel.setWindow(24, 100, 0, 0)
  await Bun.sleep(100)
  started.resolve()
  await waitUntil(() => sizes.length > 0, { what: "the size from before" })
  for (let columns = 101; columns <= 400; columns++) channel.setWindow(24, columns, 0, 0)
  await waitUntil(() => sizes.at(-1) === "400x24", { what: "the newest size" })
  expect(sizes[0]).toBe("100x24")
  expect(sizes.length).toBeLessThan(100)
  channel.close()
})
