import { describe, expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { obstacle, PartsHouse, script, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("output of containers"), () => {
  const house = PartsHouse.forTests()

  test("logs are history with times, and with follow what comes, until the end", async () => {
    const id = await house.create({ command: script("echo one; echo two >&2; sleep 1; echo three; sleep 100 & wait"), mount_paths: [] })
    await house.runs(id)
    const line = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (.*)$/
    const lines = (text: string) =>
      text
        .split("\n")
        .filter(Boolean)
        .map((one) => line.exec(one)?.[1])
    const follow = await house.ask("ann", "GET", `/containers/${id}/logs?follow=true&tail=10`)
    expect(follow.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    const text = follow.text()
    await waitUntil(async () => lines(await (await house.ask("ann", "GET", `/containers/${id}/logs`)).text()).length === 3, {
      what: "three lines",
    })
    expect(lines(await (await house.ask("ann", "GET", `/containers/${id}/logs?tail=1`)).text())).toEqual(["three"])
    await house.lab.run("kill", "--signal", "KILL", `freehold-${id}`)
    expect(lines(await text)).toEqual(["one", "two", "three"])
    for (const query of ["tail=x", "tail=10001", "follow=maybe", "since=yesterday"])
      expect((await house.ask("ann", "GET", `/containers/${id}/logs?${query}`)).status).toBe(400)
    expect((await house.ask("bob", "GET", `/containers/${id}/logs`)).status).toBe(404)
  }, 30_000)

  test("what an application writes does not fill the disk", async () => {
    const id = await house.create({
      command: script("/bin/busybox yes 0123456789 | /bin/busybox head -c 30000000; sleep 100 & while :; do sleep 1; echo more; done"),
      mount_paths: [],
    })
    await house.runs(id)
    const file = JSON.parse(await house.lab.run("inspect", `freehold-${id}`))[0].HostConfig.LogConfig.Path as string
    let most = 0
    const watch = async () => {
      most = Math.max(most, Bun.file(file).size)
      return (await house.inside(id, "ps")).includes("sleep 100")
    }
    // The last command begins when everything is written.
    await waitUntil(watch, { what: "everything to be written", limitMs: 20_000 })
    await Bun.sleep(200)
    expect(Math.max(most, Bun.file(file).size)).toBeLessThan(11_000_000)
    // And it is no other file.
    await waitUntil(async () => (await watch()) && most > 0, { what: "something to be written" })
  }, 40_000)

  test("a reader who leaves ends the stream, and only so many may be open", async () => {
    const id = await house.create({ mount_paths: [] })
    await house.runs(id)
    const open = () => house.ask("ann", "GET", `/containers/${id}/logs?follow=1`)
    const streams = await Promise.all(Array.from({ length: 20 }, open))
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect((await open()).status).toBe(429)
    for (const { body } of streams) await body?.cancel()
    const again = await open()
    expect(again.status).toBe(200)
    await again.body?.cancel()
  }, 30_000)

  test("a log that is followed ends with the right to read it: the token's, and that of the container's owner", async () => {
    const id = await house.create({ mount_paths: [] })
    await house.runs(id)
    const follow = async (personId: string, of: string) => {
      const state = { hasEnded: false }
      const { body } = await house.ask(personId, "GET", `/containers/${of}/logs?follow=1`)
      void new Response(body).text().then(() => (state.hasEnded = true))
      return state
    }
    const own = await follow("ann", id)
    await house.lab.run("run", "--detach", "--name", "legacy", house.lab.image)
    const adopted = await house.send<{ id: string }>("root", "POST", "/admin/adopt", { engine_id: "legacy" })
    const released = await follow("root", adopted.id)
    await Bun.sleep(300)
    expect([own.hasEnded, released.hasEnded]).toEqual([false, false])
    house.revoked.add("ann")
    await waitUntil(() => own.hasEnded, { what: "the end of the revoked" })
    expect(released.hasEnded).toBe(false)
    await house.send("root", "POST", `/containers/${adopted.id}/release`)
    await waitUntil(() => released.hasEnded, { what: "the end of the released" })
  }, 30_000)
})
