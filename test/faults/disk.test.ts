import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Appliance, startAppliance } from "../e2e/appliance"
import type { Person } from "../e2e/person"
import { type Disk, diskObstacle, startDisk } from "../lab/disk"
import { loopbackBlock } from "../lab/ports"

const obstacle = diskObstacle()

describe.skipIf(obstacle !== undefined)(`a disk that fails${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let disk: Disk
  let house: Appliance
  let ada: Person
  let container: string
  let upstream: Bun.Server<undefined>
  let root: string

  beforeAll(async () => {
    disk = await startDisk(96)
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    const block = await loopbackBlock(53, 1)
    const settings = { FREEHOLD_DATA_DIR: join(disk.path, "data"), FREEHOLD_STORAGE_FLOOR: "1M" }
    house = await startAppliance({ address: block.address(20), settings })
    ada = await house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await ada.map("web.home.arpa", container)
    await ada.send("POST", "/storage/namespaces", { name: "photos" })
    root = join(house.home, "root.pem")
    await writeFile(root, (await house.api("GET", "/ca.pem")).text)
    await pageIsThere()
  })
  afterAll(async () => {
    await house?.stop()
    await upstream?.stop(true)
    await disk?.stop()
  })

  const pageIsThere = async () => {
    expect(await house.curl("https://web.home.arpa/", { trusted: root })).toMatchObject({ code: 0, status: 200, text: "here I am\n" })
  }
  const names = async () =>
    (await ada.send<{ domains: { domain: string }[] }>("GET", "/api/domain-mappings")).domains.map(({ domain }) => domain)
  /** What people do that writes, each with what it answers. */
  const writes = async () => ({
    mapping: await ada.ask("POST", "/api/domain-mappings", { container_id: container, domain: "more.home.arpa", target_port: 8080 }),
    token: await ada.ask("POST", "/api/tokens", { name: "t", scopes: { [`networking.${ada.id}.domain-mappings`]: ["read"] } }),
    login: await house.api("POST", "/api/login", { body: { username: "ada", password: "correct horse battery" } }),
    file: await house.api("PUT", "/storage/photos/a", { token: ada.token, body: "x".repeat(300_000) }),
  })
  const inShort = (answers: Awaited<ReturnType<typeof writes>>) =>
    Object.fromEntries(Object.entries(answers).map(([what, { status, text }]) => [what, `${status} ${text.trim()}`]))

  test("full: visitors are served, reading goes on, every write says why it is refused, and nothing is half done", async () => {
    await disk.fill()
    await pageIsThere()
    const answers = inShort(await writes())
    for (const answer of Object.values(answers)) expect(answer).toMatch(/^507 .*(disk|space)/)
    expect(await names()).toEqual(["web.home.arpa"])
    await pageIsThere()
    expect(house.output()).not.toContain("request failed")
  })

  test("full, and killed: it starts again and serves what it served", async () => {
    await house.kill()
    await house.start()
    await pageIsThere()
    expect(await names()).toEqual(["web.home.arpa"])
  })

  test("free again: the same writes succeed without a restart", async () => {
    await disk.free()
    const answers = await writes()
    for (const { status } of Object.values(answers)) expect([200, 201]).toContain(status)
    expect((await names()).sort()).toEqual(["more.home.arpa", "web.home.arpa"])
    await ada.unmap(
      (await ada.send<{ domains: { id: string; domain: string }[] }>("GET", "/api/domain-mappings")).domains.find(
        ({ domain }) => domain === "more.home.arpa",
      )!.id,
    )
  })

  test("turned read-only under it: visitors are served and every write says so", async () => {
    await disk.turnReadOnly()
    await pageIsThere()
    const answers = inShort(await writes())
    for (const answer of Object.values(answers)) expect(answer).toMatch(/^503 .*disk/)
    await pageIsThere()
  })

  test("a start on a read-only disk is refused with the folder and the reason, and one after the repair finds everything", async () => {
    await house.kill()
    const refused = await house.start().catch((error: unknown) => String(error))
    expect(refused).toContain("read-only")
    await disk.repair()
    await house.start()
    await pageIsThere()
    expect(await names()).toEqual(["web.home.arpa"])
    for (const { status } of Object.values(await writes())) expect([200, 201]).toContain(status)
  })
})
