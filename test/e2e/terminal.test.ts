import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { waitUntil } from "../lab/process"
import { type Appliance, admin, binary, startAppliance } from "./appliance"
import type { Person } from "./person"
import { runProgram } from "./program"
import { opcodes, openWebSocket } from "./websocket"

const obstacle = podmanObstacle()
const eve = { username: "eve", password: "another good secret" }

describe.skipIf(obstacle !== undefined)(`terminals and status${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let podman: PodmanLab
  let house: Appliance
  let ada: Person
  let container: string

  beforeAll(async () => {
    podman = await startPodman()
    house = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_CONTAINER_ENGINE: `unix://${podman.socket}` } })
    ada = await house.login()
    await ada.send("POST", "/admin/users", eve)
    container = await ada.container("shell", podman.image)
  }, 200_000)
  afterAll(async () => {
    await house?.stop()
    await podman?.stop()
  }, 30_000)

  const open: Bun.WebSocket[] = []
  afterEach(() => {
    for (const socket of open.splice(0)) socket.terminate()
  })

  /** A WebSocket at the API listener and what came through it. */
  async function connect(path: string, options: { token?: string; protocol?: string } = {}) {
    const headers: Record<string, string> = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
    const how = { headers, ...(options.protocol === undefined ? {} : { protocol: options.protocol }) } as unknown as string[]
    const socket = new WebSocket(`${house.url.replace("http", "ws")}${path}`, how) as unknown as Bun.WebSocket
    open.push(socket)
    socket.binaryType = "nodebuffer"
    const seen = { text: "", bytes: 0, messages: [] as unknown[], kinds: new Set<string>() }
    const state = { closed: undefined as { code: number; reason: string } | undefined, opened: false }
    socket.addEventListener("message", ({ data }) => {
      seen.kinds.add(typeof data)
      seen.bytes += (data as string | Buffer).length
      if (typeof data === "string") seen.messages.push(JSON.parse(data))
      else seen.text = (seen.text + (data as Buffer).toString()).slice(-100_000)
    })
    socket.addEventListener("open", () => (state.opened = true))
    socket.addEventListener("close", ({ code, reason }) => (state.closed = { code, reason }))
    await waitUntil(() => state.opened || state.closed !== undefined, { what: "the WebSocket to open" })
    if (!state.opened) throw new Error(`${path} was refused`)
    return { socket, seen, state, says: (text: string | RegExp) => waitUntil(() => seen.text.search(text) !== -1, { what: String(text) }) }
  }
  const terminal = (query = "", options: { protocol?: string } = {}) =>
    connect(`/compute/containers/${container}/terminal${query}`, { token: ada.token, ...options })
  const processes = () => podman.run("exec", `freehold-${container}`, "/bin/busybox", "ps", "-o", "args")

  test("a shell runs top, which follows the size of the window, and the end of the shell is told", async () => {
    const { socket, seen, state, says } = await terminal("?columns=120&rows=30")
    socket.send("/bin/busybox stty size\n")
    await says("30 120")
    socket.send(new TextEncoder().encode("/bin/busybox top -d 1\n"))
    await says("CPU:.*idle.*sirq")
    socket.send('{"type":"resize","columns":40,"rows":12}')
    await waitUntil(
      () => {
        const screen = seen.text.split("\u001b[H").pop() ?? ""
        const lines = screen.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, "").split("\n")
        return lines.length > 4 && lines.every((line) => line.trimEnd().length <= 40)
      },
      { what: "a narrow screen" },
    )
    socket.send("q")
    socket.send("/bin/busybox stty size; exit 3\n")
    await says("12 40")
    await waitUntil(() => state.closed !== undefined, { what: "the close" })
    expect(state.closed).toEqual({ code: 1000, reason: "exit code 3" })
    expect([...seen.kinds]).toEqual(["object"])
  }, 30_000)

  test("ten megabytes come through whole to a client that pauses", async () => {
    const script = "/bin/busybox yes 0123456789abcde | /bin/busybox head -c 10000000"
    const query = new URLSearchParams([...["/bin/sh", "-c", script].map((one) => ["command", one]), ["tty", "true"]] as [string, string][])
    const { socket, seen, state } = await terminal(`?${query}`)
    for (let pause = 0; pause < 5; pause++) {
      socket.pause()
      await Bun.sleep(100)
      socket.resume()
      await Bun.sleep(20)
    }
    await waitUntil(() => state.closed !== undefined, { what: "the end", limitMs: 30_000 })
    // The terminal writes a carriage return before each of the 625000 ends of lines.
    expect(seen.bytes).toBe(10_625_000)
    expect(state.closed).toEqual({ code: 1000, reason: "exit code 0" })
  }, 60_000)

  test("a client that leaves takes its command with it", async () => {
    const { socket } = await terminal("?command=/bin/busybox&command=sleep&command=4001")
    await waitUntil(async () => (await processes()).includes("sleep 4001"), { what: "the command" })
    socket.terminate()
    await waitUntil(async () => !(await processes()).includes("sleep 4001"), { what: "its end" })
  })

  test("nobody else gets in, and a container that does not run has no terminal", async () => {
    const path = `/compute/containers/${container}/terminal`
    const other = await house.login(eve)
    expect((await other.ask("GET", path)).status).toBe(404)
    expect((await ada.ask("GET", "/compute/containers/00000000/terminal")).status).toBe(404)
    expect((await house.api("GET", path)).status).toBe(401)
    expect((await ada.ask("GET", path)).status).toBe(426)
    expect((await ada.ask("GET", `${path}?rows=x`)).status).toBe(400)
    const stopped = await ada.container("stopped", podman.image)
    await ada.send("POST", `/compute/containers/${stopped}/stop`)
    const refused = await ada.ask("GET", `/compute/containers/${stopped}/terminal`)
    expect([refused.status, refused.text]).toEqual([400, '{"error":"container not running"}'])
    await ada.send("DELETE", `/compute/containers/${stopped}`)
  }, 60_000)

  test("two hundred sockets hear of a change within a second", async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => connect(`/compute/ws?token=${ada.token}`)))
    await waitUntil(() => sockets.every(({ seen }) => seen.messages.length > 0), { what: "every snapshot" })
    expect(sockets[199]?.seen.messages[0]).toMatchObject({ type: "containers", data: [{ id: container, status: "running" }] })
    const [id] = (await podman.run("ps", "--quiet")).trim().split("\n")
    const isTold = (status: string) => (message: unknown) =>
      Bun.deepMatch({ type: "container_status", data: { container_id: container, status } }, message as object)
    // Behind our back, so that all of it is the engine's word.
    await podman.run("kill", id ?? "")
    const began = performance.now()
    const allKnow = () => sockets.every(({ seen }) => seen.messages.some(isTold("failed")))
    await waitUntil(allKnow, { what: "everybody to know", everyMs: 5 })
    const tookMs = performance.now() - began
    console.log(`200 status sockets knew after ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(1_000)
    await ada.send("POST", `/compute/containers/${container}/start`)
    await waitUntil(() => sockets.every(({ seen }) => seen.messages.some(isTold("running"))), { what: "the start", limitMs: 20_000 })
  }, 60_000)

  test("every status socket hears when the engine goes away and when it is back, once each", async () => {
    await ada.containerIs(container, "running")
    const { seen } = await connect("/compute/ws", { token: ada.token })
    await waitUntil(() => seen.messages.length > 0, { what: "the snapshot" })
    const details = () => seen.messages.slice(1).map((message) => (message as { data: { status_detail?: string } }).data.status_detail)
    await podman.kill()
    await waitUntil(() => details().length === 1, { what: "the loss to be told", limitMs: 20_000 })
    expect(details()[0]).toStartWith("the container engine does not answer")
    // The reconciler goes on trying, and fails each time.
    await Bun.sleep(2_500)
    expect(details()).toHaveLength(1)
    await podman.restart()
    await waitUntil(() => details().length === 2, { what: "the return to be told", limitMs: 20_000 })
    expect(seen.messages.at(-1)).toMatchObject({ type: "container_status", data: { container_id: container, status: "running" } })
    expect(details()[1]).toBeUndefined()
  }, 60_000)

  test("a ticket opens a socket through the edge, once", async () => {
    const { ticket } = await ada.send<{ ticket: string }>("POST", "/compute/tickets", { path: "/compute/ws" })
    const ca = (await house.api("GET", "/ca.pem")).text
    const hostname = "compute.freehold.localhost"
    await waitUntil(async () => (await house.certificate(hostname)) !== undefined, { what: "the certificate", everyMs: 200 })
    const options = { address: house.address, port: house.ports.https, hostname, path: `/compute/ws?ticket=${ticket}`, ca }
    const socket = await openWebSocket(options)
    const frame = await socket.receive()
    expect(frame.opcode).toBe(opcodes.text)
    expect(JSON.parse(frame.payload.toString())).toMatchObject({ type: "containers" })
    socket.destroy()
    expect(await openWebSocket(options).catch((error: unknown) => String(error))).toContain("HTTP/1.1 401 ")
    expect(house.history()).not.toContain(ticket)
  }, 30_000)

  test("a logout ends what the session had open", async () => {
    const person = await house.login(admin)
    const { state } = await connect("/compute/ws", { token: person.token })
    await person.send("POST", "/api/logout")
    await waitUntil(() => state.closed !== undefined, { what: "the close", limitMs: 15_000 })
    expect(state.closed).toEqual({ code: 1008, reason: "unauthorized" })
  }, 30_000)

  test("the command line runs commands with their streams and exit code", async () => {
    const exec = (args: string[], input?: string) => house.cli(["containers", "exec", ...args], { token: ada.token, input })
    expect(await exec([container, "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 7"])).toEqual({
      code: 7,
      out: "out\n",
      err: "err\n",
    })
    const big = "0123456789abcdef\n".repeat(100_000)
    const counted = await exec(["-i", container, "--", "/bin/busybox", "sh", "-c", "/bin/busybox cat"], big)
    expect({ ...counted, out: counted.out === big }).toEqual({ code: 0, out: true, err: "" })
    expect(await exec([container])).toMatchObject({ code: 2, err: expect.stringContaining("add -i") })
    expect(await exec(["-t", container, "--", "ls"])).toMatchObject({ code: 2, err: expect.stringContaining("standard input is none") })
    expect(await exec(["00000000", "--", "ls"])).toMatchObject({ code: 1, err: "error: container not found\n" })
  }, 60_000)

  test("the command line gives a terminal where there is one", async () => {
    const command = `stty cols 77 rows 22; ${await binary()} containers exec -it ${container} -- /bin/sh -c '/bin/busybox stty size; read word; echo "<$word>"; exit 9'`
    const environment = { HOME: house.home, FREEHOLD_SERVER: house.url, FREEHOLD_TOKEN: ada.token, TERM: "xterm" }
    const { code, out } = await runProgram(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      environment,
      input: "hello\r",
    })
    expect({ code, out }).toEqual({ code: 9, out: expect.stringMatching(/22 77[^]*<hello>/) })
  }, 30_000)

  test("a stop of the appliance is told, and leaves nothing in the container", async () => {
    const [status, command] = [
      await connect("/compute/ws", { token: ada.token }),
      await terminal("?command=/bin/busybox&command=sleep&command=4002"),
    ]
    await waitUntil(async () => (await processes()).includes("sleep 4002"), { what: "the command" })
    expect(await house.end()).toBe(0)
    await waitUntil(() => status.state.closed !== undefined && command.state.closed !== undefined, { what: "both closes" })
    expect(status.state.closed).toEqual({ code: 1001, reason: "the server is stopping" })
    expect(command.state.closed).toEqual({ code: 1001, reason: "the server is stopping" })
    expect(await processes()).not.toContain("sleep 4002")
    await house.start()
  }, 30_000)
})
