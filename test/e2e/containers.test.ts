import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { waitUntil } from "../lab/process"
import type { Person } from "./person"
import { runProgram } from "./program"
import { type Stage, stageObstacle, startStage } from "./stage"
import { Visitors } from "./visitors"

const obstacle = await stageObstacle({ podman: true })

describe.skipIf(obstacle !== undefined)(`containers${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let ada: Person
  let root: string

  beforeAll(async () => {
    stage = await startStage({ podman: true })
    ada = await stage.house.login()
    root = join(stage.house.home, "root.pem")
    await writeFile(root, (await stage.house.api("GET", "/ca.pem")).text)
  })
  afterAll(async () => {
    if (root !== undefined) await rm(root, { force: true })
    await stage?.stop()
  })

  type Shown = { id: string; hostname: string; status: string; status_detail?: string }
  const cli = (...args: string[]) => stage.house.cli(["containers", ...args], { token: ada.token })
  const serve = "trap 'exit 0' TERM; echo up $NAME; /bin/busybox httpd -f -p 8080 -h /www & wait"

  /** One visit at a port of the edge that a rule opened. */
  const visit = async (hostname: string, port: number) => {
    const { address } = stage.house
    const command = ["curl", "--silent", "--show-error", "--cacert", root, "--resolve", `${hostname}:${port}:${address}`]
    return runProgram([...command, "--max-time", "30", `https://${hostname}:${port}/`])
  }

  test("the command line makes a container with all that may be said of it, and it answers at its own name", async () => {
    const { image } = stage.podman
    const flags = ["--memory", "64m", "--env", "NAME=first", "--restart", "on-failure", "--mount", "/data", "--wait", "--json"]
    const ports = ["--ingress", "443=8080", "--ingress", "80=8080"]
    const made = await cli("create", "--name", "web", "--image", image, ...flags, ...ports, "--", "/bin/sh", "-c", serve)
    expect(made).toMatchObject({ code: 0, err: "" })
    const { id, hostname } = JSON.parse(made.out) as Shown
    expect(hostname).toBe(`${id}.compute.freehold.localhost`)
    const page = await stage.house.curl(`https://${hostname}/`, { trusted: root })
    expect(page).toMatchObject({ code: 0, status: 200, text: "hello from busybox\n" })
    expect(await stage.house.curl(`http://${hostname}/`)).toMatchObject({ status: 200, text: "hello from busybox\n" })

    expect((await cli("ingress", "rm", id, "80")).code).toBe(0)
    expect((await stage.house.curl(`http://${hostname}/`)).status).toBe(301)
    expect((await cli("ingress", "add", id, "8443=8080")).out).toContain("8443")
    expect(await visit(hostname, 8443)).toMatchObject({ code: 0, out: "hello from busybox\n" })
    expect((await cli("ingress", "rm", id, "8443")).code).toBe(0)
    expect((await visit(hostname, 8443)).code).not.toBe(0)

    expect((await cli("logs", id, "--tail", "5")).out).toMatch(/^\d{4}-\S+ up first\n$/)
    expect((await cli("rebuild", id, "--env", "NAME=second", "--wait")).code).toBe(0)
    expect((await cli("logs", id)).out).toMatch(/up second\n$/)
    expect((await cli("mounts", id)).out).toBe("/data\n")
    expect((await cli("volumes", id)).out).toContain("/data")
    expect(await stage.house.curl(`https://${hostname}/`, { trusted: root })).toMatchObject({ code: 0, status: 200 })

    await stage.house.restart()
    expect(await stage.house.curl(`https://${hostname}/`, { trusted: root })).toMatchObject({ code: 0, status: 200 })
    await ada.send("POST", `/compute/containers/${id}/stop`)
    expect((await stage.house.curl(`https://${hostname}/`, { trusted: root })).status).toBe(503)
    expect((await cli("rm", id)).code).toBe(0)
    expect((await stage.house.curl(`https://${hostname}/`, { trusted: root })).code).not.toBe(0)
    expect(await stage.podman.run("volume", "ls", "--quiet")).toBe("")
  }, 90_000)

  test("a mapped hostname follows a container through restarts and rebuilds with at most one failed request", async () => {
    const name = "app.customer.test"
    // Without any other container Podman takes its bridge down, and requests for an address behind it would leave this machine.
    const neighbour = await ada.container("neighbour", stage.podman.image)
    const made = await ada.send<Shown>("POST", "/compute/containers", {
      name: "app",
      image: stage.podman.image,
      command: ["/bin/sh", "-c", serve],
      mount_paths: [],
    })
    await ada.containerIs(made.id, "running")
    await stage.point(name)
    const mapping = await ada.map(name, made.id)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    await ada.certified(mapping.id)
    await ada.send("POST", `/compute/containers/${made.id}/ingress`, { port: 8453, target_port: 9999 })
    // Its mapping leads it, whatever the port is for.
    expect(await visit(name, 8453)).toMatchObject({ code: 0, out: "hello from busybox\n" })
    const { address, ports } = stage.house
    const redirected = ["curl", "--silent", "--resolve", `${name}:8453:${address}`, "--write-out", "%{http_code} %{redirect_url}"]
    expect((await runProgram([...redirected, `http://${name}:8453/a?b`])).out).toBe(`301 https://${name}:${ports.https}/a?b`)
    await ada.send("DELETE", `/compute/containers/${made.id}/ingress/8453`)
    const place = { address, port: ports.https, hostname: name, ca: await readFile(root, "utf8") }
    const path = `/compute/containers/${made.id}`
    /** What fails for visitors meanwhile, who come before, during and after each change. */
    const failuresDuring = async (count: { kept: number; fresh: number }, changes: [what: string, change: () => Promise<unknown>][]) => {
      const visitors = new Visitors(place, count)
      const more = async (what: string) => {
        const before = visitors.visits
        await waitUntil(() => visitors.visits > before + 10, { what, limitMs: 30_000 })
      }
      for (const [what, change] of changes) {
        await more(`visits before it is ${what}`)
        await change()
        await ada.containerIs(made.id, "running")
        await more(`visits after it was ${what}`)
      }
      await visitors.stop()
      return visitors.failures
    }
    // Three over connections that are kept, two over a new one each time.
    const failures = await failuresDuring({ kept: 3, fresh: 2 }, [
      ["rebuilt without mounts", () => ada.send("POST", `${path}/rebuild`, { env: { NAME: "second" } })],
      ["stopped and started", () => ada.send("POST", `${path}/stop`).then(() => ada.send("POST", `${path}/start`))],
      ["given a mount", () => ada.send("PUT", `${path}/mounts`, { mount_paths: ["/data"] })],
      ["rebuilt with mounts", () => ada.send("POST", `${path}/rebuild`, { env: { NAME: "third" } })],
    ])
    expect(failures.length, failures.join("\n")).toBeLessThanOrEqual(1)
    // What others end has nobody to let its answers come to their end: one that is half sent stays so, and one after the other has at most one of those.
    const behind = (verb: string) => stage.podman.run(verb, `freehold-${made.id}`)
    for (const [what, change] of [
      ["stopped and started behind our back", () => behind("stop").then(() => behind("start"))],
      ["restarted behind our back", () => behind("restart")],
    ] as const) {
      const lost = await failuresDuring({ kept: 1, fresh: 0 }, [[what, change]])
      expect(lost.length, lost.join("\n")).toBeLessThanOrEqual(1)
    }
    const stopped = await ada.send<Shown>("POST", `${path}/stop`)
    expect(stopped.status).toBe("stopped")
    expect((await stage.house.curl(`https://${name}/`, { trusted: root })).status).toBe(503)
    await ada.send("DELETE", `/compute/containers/${neighbour}`)
  }, 120_000)

  test("a log that is followed goes on until the container ends", async () => {
    const body = { name: "talker", image: stage.podman.image, mount_paths: [], command: ["/bin/sh", "-c", "echo one; sleep 2; echo two"] }
    const { id } = await ada.send<Shown>("POST", "/compute/containers", body)
    await waitUntil(async () => (await ada.ask("GET", `/compute/containers/${id}/logs`)).text.includes("one"), { what: "the first line" })
    const followed = await cli("logs", "-f", id)
    expect(followed).toMatchObject({ code: 0, err: "" })
    expect(followed.out.split("\n").map((line) => line.split(" ")[1])).toEqual(["one", "two", undefined])
    await ada.containerIs(id, "stopped")
  }, 30_000)

  test("a stock client reads the log from a WebSocket, a frame for each line", async () => {
    const body = { name: "talker", image: stage.podman.image, mount_paths: [], command: ["/bin/sh", "-c", "echo one; sleep 2; echo two"] }
    const { id } = await ada.send<Shown>("POST", "/compute/containers", body)
    await ada.containerIs(id, "running")
    const url = `${stage.house.url.replace("http", "ws")}/compute/containers/${id}/logs?tail=100`
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${ada.token}` } } as never)
    const frames: string[] = []
    const closed = Promise.withResolvers<number>()
    socket.addEventListener("message", ({ data }) => void frames.push(String(data)))
    socket.addEventListener("close", ({ code }) => closed.resolve(code))
    expect(await closed.promise).toBe(1000)
    expect(frames.map((frame) => frame.replace(/^\S+ /, ""))).toEqual(["one", "two"])
  }, 30_000)
})
