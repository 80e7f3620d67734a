import { afterAll, describe, expect, test } from "bun:test"
import { type RegistryLab, startRegistry } from "../../test/lab/registry"
import { obstacle, PartsHouse, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("registries and images"), () => {
  let registry: RegistryLab
  const house = PartsHouse.forTests(async () => {
    registry = await startRegistry()
    return [registry.location]
  })
  afterAll(() => registry?.stop(), 30_000)

  test("images are listed, and credentials of registries are kept without being shown", async () => {
    expect(await house.send("ann", "GET", "/images")).toMatchObject([{ image: house.lab.image, source: "local" }] as never)
    const body = { registry: "Registry.lan:5000", username: "ann", password: "s3cret" }
    const added = await house.send<{ id: string }>("ann", "POST", "/registries", body)
    expect(added).toMatchObject({ registry: "registry.lan:5000", username: "ann" } as never)
    expect(JSON.stringify(added) + JSON.stringify(await house.send("ann", "GET", "/registries"))).not.toContain("s3cret")
    expect(JSON.stringify(await house.db.selectFrom("registryCredentials").selectAll().execute())).not.toContain("s3cret")
    expect((await house.ask("ann", "POST", "/registries", body)).status).toBe(409)
    expect(await house.send("bob", "GET", "/registries")).toEqual({ registries: [] } as never)
    expect((await house.ask("bob", "DELETE", `/registries/${added.id}`)).status).toBe(404)
    expect(await house.parts.registries.login("ann", "registry.lan:5000/app")).toEqual({
      registry: "registry.lan:5000",
      username: "ann",
      password: "s3cret",
    })
    expect(await house.parts.registries.login("bob", "registry.lan:5000/app")).toBeUndefined()
    await house.send("ann", "DELETE", `/registries/${added.id}`)
  })

  test("the engine is ready while it answers, and away with a reason when it does not", async () => {
    expect(await house.send("ann", "GET", "/engine")).toEqual({ state: "ready" } as never)
    await house.lab.kill()
    expect(await house.send("ann", "GET", "/engine")).toEqual({
      state: "away",
      detail: expect.stringContaining("does not answer"),
    } as never)
    await house.lab.restart()
    expect(await house.send("ann", "GET", "/engine")).toEqual({ state: "ready" } as never)
  })

  test("an image of a private registry is fetched with its owner's credentials, by the pull policy", async () => {
    const { image, location, username, password } = registry
    const refused = await house.create({ image, mount_paths: [] })
    const failed = await house.becomes(refused, ({ status }) => status === "failed", "the refusal")
    expect(failed.status_detail).toMatch(/^pull image .*(unauthorized|authentication required)/i)
    await house.send("bob", "POST", "/registries", { registry: location, username, password })
    await house.send("ann", "POST", `/containers/${refused}/start`)
    // Whoever else may fetch it: this one's owner may not.
    await house.becomes(refused, ({ status }) => status === "pending" || status === "failed", "the answer")
    await house.becomes(refused, ({ status }) => status === "failed", "the refusal")
    await house.send("ann", "POST", "/registries", { registry: location, username, password })
    await house.send("ann", "POST", `/containers/${refused}/start`)
    expect((await house.runs(refused)).status_detail).toBeUndefined()
    const served = registry.blobsServed
    expect(served).toBeGreaterThan(0)
    await house.runs(await house.create({ image, mount_paths: [] }))
    expect(registry.blobsServed).toBe(served)
    await house.lab.run("rm", "--force", "--all", "--time", "0")
    await house.lab.run("rmi", "--force", image)
    const always = await house.create({ image, mount_paths: [], pull_policy: "Always" })
    await house.runs(always)
    expect(registry.blobsServed).toBeGreaterThan(served)
    expect(await house.send("ann", "PUT", `/containers/${always}/pull-policy`, { pull_policy: "IfNotPresent" })).toEqual({
      pull_policy: "IfNotPresent",
    } as never)
    expect((await house.ask("ann", "PUT", `/containers/${always}/pull-policy`, { pull_policy: "always" })).status).toBe(400)
    expect(house.logged.join("")).not.toContain(password)
    await house.lab.run("rm", "--force", "--all", "--time", "0")
    await house.lab.run("rmi", "--force", image)
  }, 60_000)
})
