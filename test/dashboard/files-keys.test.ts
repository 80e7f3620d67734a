import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { hasChromium } from "../e2e/chromium"
import { runProgram } from "../e2e/program"
import { findProgram } from "../lab/dns"
import { filesHouse } from "./files-house"

describe.skipIf(!hasChromium)("S3 keys in the dashboard", () => {
  const here = filesHouse()
  const { namespace, namesIn, file } = here

  test("an S3 key is made with scopes, and its rclone snippet works as it stands", async () => {
    await namespace("backups")
    const visit = await here.house.signedIn()
    await visit.go("/files/keys", "S3 keys")
    await visit.button("New S3 key").first().click()
    await visit.page.getByRole("textbox", { name: "Name" }).fill("laptop")
    await visit.page.getByLabel("It may use").selectOption("One namespace")
    await visit.page.getByLabel("Namespace", { exact: true }).selectOption("backups")
    await visit.page.getByText(`storage.${here.person.id}.files.backups: create, read, delete`).waitFor()
    await visit.button("Create key").click()
    await visit.page.getByRole("dialog", { name: "Copy the secret now" }).waitFor()
    const snippet = await visit.page.getByLabel("Snippet for rclone").innerText()
    expect(snippet).toContain(`endpoint = https://s3.freehold.localhost:${here.house.house.ports.https}`)
    await visit.page.getByLabel("Ready to paste").selectOption("AWS SDK for JavaScript")
    await visit.page.getByText("forcePathStyle: true").waitFor()
    await visit.button("I have copied it").click()
    await visit.page.getByRole("cell", { name: "backups" }).waitFor()
    await visit.page.getByRole("cell", { name: "Never" }).waitFor()
    const rclone = findProgram("rclone")
    if (rclone !== undefined) {
      const [config, root, hosts] = [
        await file("rclone.conf", snippet),
        await file("root.pem", (await here.house.house.api("GET", "/ca.pem")).text),
        await file("hosts", "127.0.0.1 localhost s3.freehold.localhost\n"),
      ]
      const own = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"]
      const within = ["sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", hosts]
      const run = (...args: string[]) =>
        runProgram([...own, ...within, rclone, "--config", config, ...args], {
          environment: { HOME: here.folder.path, PATH: process.env.PATH ?? "", SSL_CERT_FILE: root },
        })
      const copied = await run("copyto", await file("saved.txt", "saved"), "freehold:backups/saved.txt")
      expect([copied.code, copied.err]).toEqual([0, ""])
      expect(await namesIn("backups")).toEqual(["saved.txt"])
      expect((await run("copyto", join(here.folder.path, "saved.txt"), "freehold:inbox/saved.txt", "--retries", "1")).code).not.toBe(0)
      await visit.page.reload()
      await visit.page.getByRole("cell", { name: "Never" }).waitFor({ state: "detached" })
    }
    await visit.button("Delete key laptop").click()
    await visit.page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click()
    await visit.page.getByRole("cell", { name: "laptop" }).waitFor({ state: "detached" })
    await visit.close()
  })
})
