import { afterAll, beforeAll, expect } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Locator } from "playwright-core"
import type { Person } from "../e2e/person"
import { temporaryFolder } from "../lab/process"
import { DashboardHouse, type Visit } from "./house"

export const mebi = 1024 * 1024

/** A house of the describing block's own, with what the pages of files are shown by; `house`, `person` and `folder` are there once its tests run. */
export function filesHouse() {
  const here = {} as { house: DashboardHouse; person: Person; folder: Awaited<ReturnType<typeof temporaryFolder>> }
  beforeAll(async () => {
    here.house = await DashboardHouse.open()
    here.person = await here.house.house.login()
    here.folder = await temporaryFolder("files")
  })
  afterAll(async () => {
    await here.house?.stop()
    await here.folder?.remove()
  })

  const api = (method: string, path: string, body?: unknown) => here.house.house.api(method, path, { token: here.person.token, body })
  const namespace = async (name: string, change?: object) => {
    await api("POST", "/storage/namespaces", { name })
    if (change !== undefined) expect((await api("PUT", `/storage/namespaces/${name}`, change)).status).toBe(200)
  }
  const put = async (place: string, body: string | Uint8Array<ArrayBuffer>, type = "text/plain") => {
    const headers = { authorization: `Bearer ${here.person.token}`, "content-type": type }
    expect((await fetch(`${here.house.house.url}/storage/${place}`, { method: "PUT", headers, body })).status).toBe(200)
  }
  const namesIn = async (name: string) =>
    (JSON.parse((await api("GET", `/storage/files?namespace=${name}`)).text) as { name: string }[]).map((file) => file.name)
  const at = async (name: string, visit?: Visit) => {
    const visitor = visit ?? (await here.house.signedIn())
    await visitor.go(`/files/in/${name}`, name)
    return visitor
  }
  const file = async (name: string, content: string | Uint8Array) => {
    const path = join(here.folder.path, name)
    await writeFile(path, content)
    return path
  }
  const choose = async (visit: Visit, button: string | RegExp, ...paths: string[]) => {
    const [chooser] = await Promise.all([visit.page.waitForEvent("filechooser"), visit.button(button).first().click()])
    await chooser.setFiles(paths)
  }
  const tray = ({ page }: Visit): Locator => page.getByRole("region", { name: "Uploads" }).first()
  const trayText = async (visit: Visit, text: string | RegExp) => tray(visit).getByText(text).first().waitFor()

  let isFurnished = false
  async function furnish() {
    if (isFurnished) return
    isFurnished = true
    await namespace("gallery", { visibility: "public", quota_bytes: 50 * mebi, versioning: "enabled" })
    await namespace("bare")
    await put("gallery/notes.txt", "old")
    await put("gallery/readme.md", "old")
    for (const name of ["spring", "summer/july"]) await put(`gallery/2026/${name}/a.jpg`, "no picture")
    await put("gallery/2026/readme.md", "# Pictures of 2026\n\nTaken by Ada.\n")
    await put("gallery/2026/readme.md", "# Pictures of 2026\n\nTaken by Ada and by Charles.\n")
    await put("gallery/2026/a very long name of a file that somebody gave it without thinking of narrow screens.tar.gz", "x".repeat(70_000))
    const visit = await here.house.signedIn()
    await visit.go("/files")
    await put("gallery/2026/picture.png", new Uint8Array(await visit.page.screenshot()), "image/png")
    await visit.close()
  }
  return Object.assign(here, { api, namespace, put, namesIn, at, file, choose, tray, trayText, drop, furnish })
}

/** Drops files and folders of the disk onto the page, as a person does. */
async function drop({ page }: Visit, paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ["dragEnter", "dragOver"] as const) await session.send("Input.dispatchDragEvent", { type, x: 600, y: 500, data })
  await page.getByText(/Drop to upload into/).waitFor()
  await session.send("Input.dispatchDragEvent", { type: "drop", x: 600, y: 500, data })
}
