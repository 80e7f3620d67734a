import { describe, expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { obstacle, PartsHouse, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("adoption"), () => {
  const house = PartsHouse.forTests()

  test("a container that Freehold did not make is adopted by an administrator without being restarted", async () => {
    const found = (await house.lab.run("run", "--detach", "--name", "legacy", house.lab.image)).trim()
    const pid = await house.lab.run("inspect", "--format", "{{.State.Pid}}", "legacy")
    expect((await house.ask("ann", "GET", "/admin/foreign-containers")).status).toBe(403)
    expect((await house.ask("ann", "POST", "/admin/adopt", { engine_id: "legacy" })).status).toBe(403)
    const { containers } = await house.send<{ containers: object[] }>("root", "GET", "/admin/foreign-containers")
    expect(containers).toMatchObject([{ engine_id: found, name: "legacy", image: house.lab.image }])
    const adopted = await house.send<{ id: string; address: string }>("root", "POST", "/admin/adopt", {
      engine_id: "legacy",
      name: "old app",
    })
    expect(adopted).toMatchObject({ name: "old app", kind: "engine", status: "running", image: house.lab.image } as never)
    expect(await (await fetch(`http://${adopted.address}:8080/`)).text()).toBe("hello from busybox\n")
    expect(await house.lab.run("inspect", "--format", "{{.State.Pid}}", "legacy")).toBe(pid)
    expect((await house.send<{ containers: object[] }>("root", "GET", "/admin/foreign-containers")).containers).toEqual([])
    expect((await house.ask("root", "POST", "/admin/adopt", { engine_id: "legacy" })).status).toBe(409)
    expect((await house.ask("root", "POST", `/containers/${adopted.id}/rebuild`)).status).toBe(409)
    expect(await house.send("root", "POST", `/containers/${adopted.id}/stop`)).toMatchObject({ status: "stopped" } as never)
    await house.send("root", "POST", `/containers/${adopted.id}/start`)
    const status = async () => (await house.store.find(adopted.id))?.status
    await waitUntil(async () => (await status()) === "running", { what: "the adopted container to run" })
    // Events of it have no label of ours.
    await house.lab.run("kill", "--signal", "KILL", "legacy")
    await waitUntil(async () => (await status()) === "failed", { what: "the end to be seen" })
    expect(await house.send("root", "GET", "/admin/containers")).toMatchObject([{ id: adopted.id, owner: "root", adopted: true }] as never)
  }, 30_000)

  test("a released container goes on as it was and is a foreign one again; hostnames that lead to it are named, or go when asked", async () => {
    const found = (await house.lab.run("run", "--detach", "--name", "legacy", house.lab.image)).trim()
    const state = () => house.lab.run("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}} {{.State.Status}}", "legacy")
    const before = await state()
    const { id } = await house.send<{ id: string }>("root", "POST", "/admin/adopt", { engine_id: "legacy" })
    // It is not counted among those that its person may make.
    expect(await house.store.count("root")).toBe(0)
    await house.send("root", "POST", `/containers/${id}/ingress`, { port: 443, target_port: 8080 })
    await house.db
      .insertInto("domainMappings")
      .values([mappingTo(id, "b.example.com"), mappingTo(id, "a.example.com")])
      .execute()
    const release = async (personId: string, body?: unknown, of = id) => {
      const res = await house.ask(personId, "POST", `/containers/${of}/release`, body)
      return { status: res.status, body: await res.json() }
    }
    expect(await release("ann")).toEqual({ status: 404, body: { error: "container not found" } })
    expect(await release("root", { delete_mappings: "yes" })).toMatchObject({ status: 400 })
    const refusal = "hostnames lead to the container: a.example.com, b.example.com. Delete the mappings, or send delete_mappings"
    for (const body of [undefined, {}, { delete_mappings: false }])
      expect(await release("root", body)).toEqual({ status: 409, body: { error: refusal } })
    expect(await house.store.find(id)).toMatchObject({ adopted: 1, status: "running" })
    expect(await house.db.selectFrom("domainMappings").select("id").execute()).toHaveLength(2)

    expect(await release("root", { delete_mappings: true })).toEqual({ status: 200, body: { status: "ok" } })
    expect(await house.db.selectFrom("domainMappings").select("id").execute()).toEqual([])
    expect(await house.db.selectFrom("ingressRules").select("id").execute()).toEqual([])
    expect(await state()).toBe(before)
    expect((await house.ask("root", "GET", `/containers/${id}`)).status).toBe(404)
    const { containers } = await house.send<{ containers: object[] }>("root", "GET", "/admin/foreign-containers")
    expect(containers).toMatchObject([{ engine_id: found, name: "legacy", state: "running" }])
    expect(await release("root")).toMatchObject({ status: 404 })
    // Nothing of it is left that would keep it from coming back.
    const again = await house.send<{ id: string }>("root", "POST", "/admin/adopt", { engine_id: found })
    expect(await release("root", undefined, again.id)).toMatchObject({ status: 200 })
    expect(await state()).toBe(before)
    const made = await house.create({ mount_paths: [] })
    expect(await release("ann", {}, made)).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining("Freehold made this one") },
    })
  }, 30_000)
})

/** A pending mapping of root's. */
function mappingTo(containerId: string, domain: string) {
  return {
    id: `dom_${domain}`,
    personId: "root",
    domain,
    containerId,
    targetPort: 80,
    status: "pending" as const,
    verifyToken: "t",
    http: "redirect" as const,
    upstreamProtocol: "http1" as const,
    accessLog: 1,
    windowStartedAt: 1,
    nextCheckAt: 9e15,
    checks: 0,
    lastDetail: null,
    verifiedAt: null,
    proof: null,
    createdAt: 1,
  }
}
