import { describe, expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { obstacle, PartsHouse, script, serve, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("containers"), () => {
  const house = PartsHouse.forTests()

  test("environment, command and limits are those that were asked for", async () => {
    await house.send("root", "PUT", "/instance-types/quarter", { cpus: 0.25, pids: 77 })
    const id = await house.create({
      env: { GREETING: "hello = world" },
      command: script(serve),
      instance_type: "quarter",
      mount_paths: [],
      enable_ssh: true,
      ingress_rules: [{ port: 443, target_port: 8080 }],
    })
    const container = await house.runs(id)
    expect(container).toMatchObject({
      env: { GREETING: "hello = world" },
      instance_type: "quarter",
      restart_policy: "no",
      mount_paths: [],
      ssh_enabled: true,
      https_enabled: true,
    })
    expect(await house.inside(id, "cat", "/proc/1/environ")).toContain("GREETING=hello = world\0")
    const { HostConfig } = JSON.parse(await house.lab.run("inspect", `freehold-${id}`))[0]
    expect(HostConfig).toMatchObject({ Memory: 67_108_864, NanoCpus: 250_000_000, PidsLimit: 77 })
    const other = await house.create({ pids_limit: 33, mount_paths: [] })
    await house.runs(other)
    expect(JSON.parse(await house.lab.run("inspect", `freehold-${other}`))[0].HostConfig.PidsLimit).toBe(33)
  }, 30_000)

  test("an application that wants more memory or processes than it may have does not get them", async () => {
    const hungry = await house.create({
      command: script("exec /bin/busybox dd if=/dev/zero of=/dev/null bs=200M count=1"),
      mount_paths: [],
    })
    const ended = await house.becomes(hungry, ({ status }) => status === "failed", "the end")
    expect(ended.status_detail).toMatch(/more than 64 MB of memory|exit code (1|137)$/)
    const many = "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done; echo all; wait"
    const forking = await house.create({ command: script(many), pids_limit: 16, mount_paths: [] })
    // A shell that cannot fork ends with 2. What it says of that may be lost: the engine does not always read the last words of who ends at once.
    const refused = await house.becomes(forking, ({ status }) => status === "failed", "the refusal")
    expect(refused.status_detail).toMatch(/exit code 2$/)
    expect(await (await house.ask("ann", "GET", `/containers/${forking}/logs`)).text()).not.toContain(" all")
  }, 30_000)

  test("an engine that is killed in the midst of everything: what is said afterwards is what is true", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => house.create({ command: script(serve), mount_paths: ["/data"] })))
    const [rebuilt = "", stopped = "", removed = "", restarted = "", ended = ""] = ids
    await Promise.all(ids.map((id) => house.runs(id)))
    const underWay = [
      house.ask("ann", "POST", `/containers/${rebuilt}/rebuild`),
      house.ask("ann", "POST", `/containers/${stopped}/stop`),
      house.ask("ann", "POST", `/containers/${restarted}/stop`).then(() => house.ask("ann", "POST", `/containers/${restarted}/start`)),
      ...Array.from({ length: 10 }, () =>
        house.ask("ann", "GET", `/containers/${rebuilt}/logs?follow=1`).then((res) => res.body?.cancel()),
      ),
      ...Array.from({ length: 10 }, () => house.ask("ann", "GET", `/containers/${ended}`)),
      house.create(),
    ]
    await Bun.sleep(150)
    await house.lab.kill()
    await house.lab.run("rm", "--force", "--time", "0", `freehold-${removed}`)
    await house.lab.run("kill", "--signal", "KILL", `freehold-${ended}`)
    await Promise.allSettled(underWay)
    house.logged = []
    await house.lab.restart()
    await house.isFollowed()
    const isSettled = async () => (await house.store.all()).every(({ status }) => status !== "pending" && status !== "initializing")
    await waitUntil(isSettled, { what: "everything to be settled", limitMs: 20_000 })
    const names = (await house.lab.run("ps", "--format", "{{.Names}}")).trim().split("\n").sort()
    const running = (await house.store.all()).filter(({ status }) => status === "running")
    expect(running.map(({ id }) => `freehold-${id}`).sort()).toEqual(names)
    for (const { id, address } of running) {
      const { NetworkSettings } = JSON.parse(await house.lab.run("inspect", `freehold-${id}`))[0]
      expect(NetworkSettings.IPAddress).toBe(address)
    }
    expect(await house.store.find(removed)).toMatchObject({
      status: "failed",
      statusDetail: expect.stringContaining("removed outside Freehold"),
    })
    // It ran when it was last looked at, so it is started again.
    expect((await house.store.find(ended))?.status).toBe("running")
  }, 60_000)

  test("a failing application is started again after growing pauses, says so, and a stop ends that", async () => {
    const id = await house.create({ command: script("exit 3"), restart_policy: "on-failure", mount_paths: [] })
    const waits = await house.becomes(id, ({ restarts }) => restarts === 2, "the second restart")
    expect(waits).toMatchObject({
      status: "pending",
      status_detail: expect.stringContaining("ended with exit code 3; it is started again in"),
    })
    expect(await house.send("ann", "POST", `/containers/${id}/stop`)).toMatchObject({ status: "stopped", restarts: 0 } as never)
    await Bun.sleep(2500)
    expect(await house.send("ann", "GET", `/containers/${id}`)).toMatchObject({ status: "stopped" } as never)
    const well = await house.create({ command: script("exit 0"), restart_policy: "on-failure", mount_paths: [] })
    expect(await house.becomes(well, ({ status }) => status === "stopped", "the end")).toMatchObject({ restarts: 0 })
  }, 30_000)

  test("a restart that was due when Freehold ended is made up for at the next start", async () => {
    const id = await house.create({ command: script("exit 3"), restart_policy: "always", mount_paths: [] })
    await house.becomes(id, ({ restarts }) => restarts === 1, "the first end")
    await house.stop()
    await house.store.update(id, { restartAt: Date.now() - 1, restarts: 5 })
    house.start()
    await house.becomes(id, ({ restarts }) => restarts === 6, "one more end")
  }, 30_000)

  test("a container that was paused behind our back is not said to run, and is started, stopped and deleted as any other", async () => {
    const id = await house.create({ command: script(serve), mount_paths: [] })
    const state = async () => (await house.lab.run("inspect", "--format", "{{.State.Status}}", `freehold-${id}`)).trim()
    const pause = async () => {
      await house.lab.run("pause", `freehold-${id}`)
      const { status_detail } = await house.becomes(id, ({ status }) => status === "stopped", "the pause to be seen")
      expect(status_detail).toBe("the engine says the container is paused")
    }
    await house.runs(id)
    await pause()
    await house.send("ann", "POST", `/containers/${id}/start`)
    expect((await house.runs(id)).status_detail).toBeUndefined()
    expect(await state()).toBe("running")
    await pause()
    expect(await house.send("ann", "POST", `/containers/${id}/stop`)).toMatchObject({ status: "stopped" } as never)
    expect(await state()).toMatch(/^(exited|stopped)$/)
    await house.send("ann", "POST", `/containers/${id}/start`)
    await house.runs(id)
    await pause()
    await house.send("ann", "POST", `/containers/${id}/rebuild`)
    await pause()
    await house.send("ann", "DELETE", `/containers/${id}`)
    expect(await house.lab.run("ps", "--all", "--quiet")).toBe("")
  }, 60_000)
})
