import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { mkdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Client } from "ssh2"
import { findProgram } from "../lab/dns"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { freePort } from "../lab/ports"
import { temporaryFolder, waitUntil } from "../lab/process"
import { type Appliance, startAppliance } from "./appliance"
import { openSshOptions } from "./openssh"
import type { Person } from "./person"
import { type Ending, runProgram } from "./program"

const missing = ["ssh", "scp", "sftp", "ssh-keygen"].find((name) => findProgram(name) === undefined)
const obstacle = podmanObstacle() ?? (missing === undefined ? undefined : `${missing} is not installed`)
const address = "127.0.0.1"

// One house for all; each test leaves the container as it found it.
describe.skipIf(obstacle !== undefined)(`OpenSSH into a container${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let podman: PodmanLab
  let house: Appliance
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let ada: Person
  let bob: Person
  let container: string
  let foreign: string
  let port: number

  beforeAll(async () => {
    folder = await temporaryFolder("ssh")
    podman = await startPodman()
    house = await startAppliance({ address, settings: { FREEHOLD_CONTAINER_ENGINE: `unix://${podman.socket}` } })
    port = Number(/"message":"SSH is open","port":(\d+)/.exec(house.output())?.[1])
    ada = await house.login()
    await ada.send("POST", "/admin/users", { username: "bob", password: "another good battery" })
    bob = await house.login({ username: "bob", password: "another good battery" })
    for (const name of ["ada", "bob"])
      await runProgram(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `${name}@laptop`, "-f", file(name)])
    await runProgram(["ssh-keygen", "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", file("rsa")])
    for (const [person, name] of [
      [ada, "ada"],
      [bob, "bob"],
      [ada, "rsa"],
    ] as const)
      expect(await house.cli(["ssh-keys", "add", file(`${name}.pub`), "--name", name], { token: person.token })).toMatchObject({ code: 0 })
    container = await ada.container("web", podman.image)
    foreign = await bob.container("bobs", podman.image)
    for (const [person, id] of [
      [ada, container],
      [bob, foreign],
    ] as const)
      await person.send("PUT", `/compute/containers/${id}/ssh`, { ssh_enabled: true })
  }, 90_000)
  afterAll(async () => {
    await house?.stop()
    await podman?.stop()
    await folder?.remove()
  }, 30_000)

  const file = (name: string) => join(folder.path, name)
  const options = (key = "ada") => openSshOptions(file(key), file("known_hosts"))
  const ssh = (words: string[], given: { key?: string; login?: string; input?: string; flags?: string[] } = {}): Promise<Ending> => {
    const { key, login = container, input, flags = [] } = given
    return runProgram(["ssh", ...options(key), ...flags, "-p", String(port), `${login}@${address}`, ...words], { input })
  }
  const copy = (program: "scp" | "sftp", words: string[], input?: string) =>
    runProgram([program, ...options(), "-P", String(port), ...words], { input })

  test("a command runs as the image's user, with its input, both outputs and its exit code", async () => {
    const ending = await ssh(["read line; echo got $line; echo trouble >&2; exit 7"], { input: "hello\n" })
    expect(ending).toEqual({ code: 7, out: "got hello\n", err: "trouble\n" })
    expect((await ssh(["cat /www/index.html"], { key: "rsa" })).out).toBe("hello from busybox\n")
    expect((await ssh(["kill -9 $$"])).code).toBe(137)
    const { entries } = await ada.send<{ entries: object[] }>("GET", "/api/audit?action=SSH")
    const entry = { username: "ada", action: "SSH login", target: container, outcome: "allowed", address }
    expect(entries[0]).toMatchObject({ ...entry, token: { kind: "ssh_key", id: expect.stringMatching(/^SHA256:/) } })
  })

  test("the key and the command that the API tells are those that are met", async () => {
    const { ssh_command } = await ada.send<{ ssh_command: string }>("GET", `/compute/containers/${container}/ssh`)
    expect(ssh_command).toBe(`ssh -p ${port} ${container}@compute.freehold.localhost`)
    const { out } = await runProgram(["ssh-keygen", "-lf", file("known_hosts")])
    expect(house.output()).toContain(out.split(" ")[1] ?? "nothing")
    expect(await readFile(join(house.dataDir, "ssh-host-key"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/)
    expect((await stat(join(house.dataDir, "ssh-host-key"))).mode & 0o777).toBe(0o600)
  })

  test("10 MB come out and go in whole", async () => {
    const out = await ssh(["head -c 10485760 /dev/zero | tr '\\0' x"])
    expect([out.code, out.out.length]).toEqual([0, 10_485_760])
    expect((await ssh(["wc -c"], { input: "y".repeat(10_485_760) })).out.trim()).toBe("10485760")
  }, 60_000)

  test("a terminal has the client's size, follows its changes, and Ctrl-C interrupts what runs in it", async () => {
    let seen = ""
    const child = Bun.spawn(["ssh", ...options(), "-p", String(port), `${container}@${address}`], {
      env: { PATH: process.env.PATH ?? "", TERM: "xterm" },
      terminal: { cols: 101, rows: 37, data: (_terminal, bytes) => void (seen += Buffer.from(bytes).toString()) },
    })
    const { terminal } = child
    if (terminal === undefined) throw new Error("no terminal")
    const says = (text: string | RegExp) =>
      waitUntil(() => (typeof text === "string" ? seen.includes(text) : text.test(seen)), { what: `the terminal to show ${text}` }).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${seen}`, { cause: error })
        },
      )
    terminal.write("stty size; echo $TERM-$((40 + 2))\r")
    await says(/37 101[\s\S]*xterm-42/)
    terminal.resize(66, 22)
    await Bun.sleep(300)
    terminal.write("stty size; echo $((40 + 3))\r")
    await says(/22 66[\s\S]*43/)
    terminal.write("sleep 100\r")
    await Bun.sleep(300)
    terminal.write("\u0003")
    terminal.write("echo after-$?-$((40 + 4))\r")
    await says("after-130-44")
    terminal.write("exit 5\r")
    expect(await child.exited).toBe(5)
    terminal.close()
  }, 30_000)

  test("a client that leaves takes along what it started", async () => {
    const child = Bun.spawn(["ssh", ...options(), "-p", String(port), `${container}@${address}`, "exec sleep 4711"], { stdin: "pipe" })
    const counted = async () => (await ssh(["ps"])).out.includes("sleep 4711")
    await waitUntil(counted, { what: "the command to run" })
    child.kill("SIGKILL")
    await waitUntil(async () => !(await counted()), { limitMs: 15_000, what: "the command to end" })
  }, 40_000)

  test("scp and sftp bring files in and out of a container that has neither", async () => {
    const contents = randomBytes(5_000_000)
    await writeFile(file("data.bin"), contents)
    expect(await copy("scp", ["-p", file("data.bin"), `${container}@${address}:/www/data.bin`])).toEqual({ code: 0, out: "", err: "" })
    const sum = (await ssh(["sha256sum /www/data.bin; ls -ln /www/data.bin"])).out
    expect(sum).toStartWith(new Bun.CryptoHasher("sha256").update(contents).digest("hex"))
    expect(await copy("scp", [`${container}@${address}:/www/data.bin`, file("back.bin")])).toEqual({ code: 0, out: "", err: "" })
    expect((await readFile(file("back.bin"))).equals(contents)).toBe(true)
    expect((await copy("scp", [`${container}@${address}:/www/none.bin`, file("none.bin")])).err).toContain("No such file")
    const batch = `mkdir /www/new\nput ${file("data.bin")} /www/new/one\nrename /www/new/one /www/new/two\nls -l /www/new\nrm /www/new/two\nrmdir /www/new\nls /www\n`
    const listed = await copy("sftp", ["-b", "-", `${container}@${address}`], batch)
    expect(listed).toMatchObject({ code: 0, out: expect.stringMatching(/5000000 .*two[\s\S]*\/www\/data\.bin[\s\S]*\/www\/index\.html/) })
  }, 60_000)

  test("another user than the image's logs in by name, and files that it brings are its own", async () => {
    const make = "mkdir -p /etc /home/app && chown 1000:1000 /home/app && echo app:x:1000:1000::/home/app:/bin/sh >/etc/passwd"
    expect((await ssh([make])).code).toBe(0)
    const app = `app.${container}`
    expect((await ssh(["id -u; pwd; echo $SHELL"], { login: app })).out).toBe("1000\n/home/app\n/bin/sh\n")
    const name = `${"long".repeat(40)}.txt`
    await writeFile(file(name), "mine")
    expect(await copy("scp", [file(name), `${app}@${address}:`])).toEqual({ code: 0, out: "", err: "" })
    expect((await ssh([`stat -c '%u:%g %s' /home/app/${name}; ln -s /home/app/${name} /www/link`])).out).toBe("1000:1000 4\n")
    expect(await copy("scp", [`${container}@${address}:/www/link`, file("followed")])).toEqual({ code: 0, out: "", err: "" })
    expect(await readFile(file("followed"), "utf8")).toBe("mine")
    expect(await ssh(["true"], { login: `nobody-there.${container}` })).toMatchObject({
      code: 255,
      out: "",
      err: expect.stringMatching(/^freehold: /),
    })
  }, 60_000)

  test("folders go both ways by scp -r", async () => {
    await mkdir(file("tree/below"), { recursive: true })
    await writeFile(file("tree/one.txt"), "one")
    await writeFile(file("tree/below/two.txt"), "two", { mode: 0o755 })
    expect(await copy("scp", ["-r", file("tree"), `${container}@${address}:/www/`])).toEqual({ code: 0, out: "", err: "" })
    expect((await ssh(["cat /www/tree/one.txt /www/tree/below/two.txt; stat -c %a /www/tree/below/two.txt"])).out).toBe("onetwo755\n")
    expect(await copy("scp", ["-r", `${container}@${address}:/www/tree`, file("returned")])).toEqual({ code: 0, out: "", err: "" })
    expect(await readFile(file("returned/below/two.txt"), "utf8")).toBe("two")
  }, 60_000)

  test("a forwarded port leads into the container, and nowhere else", async () => {
    const local = await freePort(address)
    const forward = (target: string) =>
      Bun.spawn(["ssh", ...options(), "-N", "-L", `${address}:${local}:${target}`, "-p", String(port), `${container}@${address}`])
    const page = () => fetch(`http://${address}:${local}/`, { keepalive: false }).then((res) => res.text())
    const good = forward("localhost:8080")
    await waitUntil(async () => (await page()) === "hello from busybox\n", { what: "the page" })
    good.kill()
    await good.exited
    const bad = forward(`host.containers.internal:${house.ports.api}`)
    await waitUntil(
      async () => (await fetch(`http://${address}:${local}/`).catch((error: { code?: string }) => error.code)) !== "ConnectionRefused",
      {
        what: "the listener",
      },
    )
    await expect(page()).rejects.toThrow()
    bad.kill()
    await bad.exited
  }, 30_000)

  test("a wrong key, a foreign container, an unknown one, a closed one and a stopped one sound the same", async () => {
    const refusal = (login: string) => ({ code: 255, out: "", err: `${login}@${address}: Permission denied (publickey).\r\n` })
    expect(await ssh(["true"], { key: "bob" })).toEqual(refusal(container))
    expect(await ssh(["true"], { login: foreign })).toEqual(refusal(foreign))
    expect(await ssh(["true"], { login: "00000000" })).toEqual(refusal("00000000"))
    await ada.send("PUT", `/compute/containers/${container}/ssh`, { ssh_enabled: false })
    expect(await ssh(["true"])).toEqual(refusal(container))
    await ada.send("PUT", `/compute/containers/${container}/ssh`, { ssh_enabled: true })
    await ada.send("POST", `/compute/containers/${container}/stop`)
    expect(await ssh(["true"])).toEqual(refusal(container))
    await ada.send("POST", `/compute/containers/${container}/start`)
    await ada.containerIs(container, "running")
    for (const reason of [
      "not a key of the container's owner",
      "no such container",
      "SSH is switched off for the container",
      "the container is stopped",
    ])
      await house.said(`"reason":"${reason}"`)
    expect((await ssh(["echo again"])).out).toBe("again\n")
  }, 60_000)

  test("a session ends when its key is deleted", async () => {
    const running = ssh(["sleep 60"], { key: "rsa" })
    await Bun.sleep(500)
    const { out } = await house.cli(["ssh-keys", "ls", "--json"], { token: ada.token })
    const keys = (JSON.parse(out) as { ssh_keys: { id: number; name: string }[] }).ssh_keys
    await house.cli(["ssh-keys", "rm", String(keys.find(({ name }) => name === "rsa")?.id)], { token: ada.token })
    expect((await running).code).toBe(255)
  }, 30_000)

  test("the host key is the same after a restart, and a client that opens a session and leaves harms nobody", async () => {
    const client = new Client()
    await new Promise<void>((resolve, reject) => {
      client.on("ready", resolve).on("error", reject)
      client.connect({ host: address, port, username: container, privateKey: readFileSync(file("ada")) })
    })
    // OpenSSH's client always asks for something in the session that it opens.
    const protocol = Reflect.get(client, "_protocol") as { session: (...words: number[]) => void }
    protocol.session(0, 2_000_000, 32_768)
    await Bun.sleep(300)
    client.destroy()
    await Bun.sleep(300)
    expect(house.output()).not.toMatch(/TypeError|"level":"error"/)
    const running = ssh(["exec sleep 4712"])
    const isRunning = async () => (await podman.run("exec", engineId, "/bin/busybox", "ps")).includes("sleep 4712")
    const engineId = (await podman.run("ps", "--quiet", "--no-trunc", "--filter", `name=${container}`)).trim()
    await waitUntil(isRunning, { what: "the command to run" })
    await house.restart({ FREEHOLD_SSH_LISTEN: `${address}:${port}` })
    await ada.containerIs(container, "running")
    expect((await running).code).toBe(255)
    expect(await isRunning()).toBe(false)
    // accept-new refuses a key that has changed.
    expect((await ssh(["echo same"])).out).toBe("same\n")
  }, 60_000)
})
