import { describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { filesHouse } from "./files-house"

describe.skipIf(!hasChromium)("folders in the dashboard", () => {
  const here = filesHouse()
  const { api, namespace, put, namesIn, at } = here

  test("several are selected by the keyboard and deleted, folders with all that is in them", async () => {
    await namespace("full")
    for (const name of ["dir/1", "dir/sub/2", "a", "b", "c"]) await put(`full/${name}`, "x")
    const visit = await at("full")
    await visit.page.getByLabel("Select dir", { exact: true }).focus()
    await visit.page.keyboard.press("Space")
    for (let step = 0; step < 2; step++) await visit.page.keyboard.press("Shift+ArrowDown")
    await visit.page.getByText("3 selected").waitFor()
    await visit.page.keyboard.press("Delete")
    const dialog = visit.page.getByRole("dialog", { name: "Delete 3 things?" })
    await dialog.getByText("4 files, 4 B.").waitFor()
    await dialog.getByLabel("Type full to confirm").fill("full")
    await dialog.getByRole("button", { name: "Delete 4 files" }).click()
    await dialog.waitFor({ state: "detached" })
    expect(await namesIn("full")).toEqual(["c"])
    await visit.close()
  })

  test("thousands are listed as they are scrolled to, searched by their beginning, and sorted", async () => {
    await namespace("many")
    const { id, secret } = JSON.parse((await api("POST", "/storage/keys", { name: "many" })).text) as { id: string; secret: string }
    const { S3Client, PutObjectCommand } = await import("@aws-sdk/client-s3")
    const client = new S3Client({
      endpoint: here.house.house.url,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: id, secretAccessKey: secret },
    })
    for (let from = 0; from < 1200; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const number = from + index
          const Body = "x".repeat(number === 777 ? 5000 : 10)
          return client.send(new PutObjectCommand({ Bucket: "many", Key: `file-${String(number).padStart(4, "0")}.txt`, Body }))
        }),
      )
    const visit = await at("many")
    await visit.page.getByText("1,000 entries, more below").waitFor()
    expect(await visit.page.getByRole("listitem").count()).toBeLessThan(100)
    await visit.page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    await visit.page.getByText("1,200 entries").waitFor()
    await visit.page.getByLabel("Sort by").selectOption("size")
    await visit.button("Reverse the order").click()
    await visit.page.evaluate(() => window.scrollTo(0, 0))
    await visit.page.locator('li[data-index="0"]').getByText("file-0777.txt").waitFor()
    expect(new URL(visit.page.url()).search).toContain("sort=size")
    await visit.page.getByRole("searchbox").fill("file-11")
    await visit.page.getByText("100 entries").waitFor()
    await visit.page.getByRole("searchbox").fill("nothing")
    await visit.page.getByText("Nothing begins with that").waitFor()
    await visit.button("Show the whole folder").click()
    await visit.page.getByText("1,200 entries").waitFor()
    await visit.close()
  }, 90_000)
})
