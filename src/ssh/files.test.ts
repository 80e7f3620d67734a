import { expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { Drafts } from "./drafts"
import { type FileNeeds, serveFiles } from "./files"
import { localExec, loggedIn, startHouse } from "./gateway.fixture"

const place = "/usr/lib/openssh/sftp-server"

test("a container's own sftp-server is the one that is used", async () => {
  const needs: FileNeeds = {
    // What is found is `cat`, which gives back whatever it is sent.
    startExec: (_grant, { command }) =>
      localExec({ command: command.at(-1) === `exec ${place}` ? ["cat"] : command.length === 3 ? ["echo", place] : ["false"] }),
    files: () => {
      throw new Error("the archive is not asked")
    },
    drafts: new Drafts("/nonexistent"),
    now: Date.now,
  }
  const house = await startHouse({ serveFiles: (grant, channel, output) => serveFiles(needs, grant, channel, output) })
  const input = "abc".repeat(1_000_000)
  const { code, out } = await house.ssh(["-s", "sftp"], { input })
  expect([code, out.toString() === input]).toEqual([0, true])
  await house.stop()
})

test("a container whose shell talks without end, or never ends, holds nobody's memory, and is left with the client", async () => {
  const run = { started: 0, given: 0, closed: 0 }
  const needs: FileNeeds = {
    startExec: async () => {
      const made = await localExec({ command: ["yes"] })
      run.started++
      const close = made.close.bind(made)
      made.close = () => {
        run.closed++
        close()
      }
      let taker = made.onOutput
      Object.defineProperty(made, "onOutput", {
        get: () => (bytes: Buffer, stream: "stdout" | "stderr") => {
          run.given += bytes.length
          taker(bytes, stream)
        },
        set: (next: typeof made.onOutput) => {
          taker = next
        },
      })
      return made
    },
    files: () => {
      throw new Error("the archive is not asked")
    },
    drafts: new Drafts("/nonexistent"),
    now: Date.now,
  }
  const house = await startHouse({ serveFiles: (grant, channel, output) => serveFiles(needs, grant, channel, output) })
  const client = await loggedIn(house)
  client.subsys("sftp", () => {})
  await waitUntil(() => run.given > 50_000_000, { what: "much to be said" })
  const before = process.memoryUsage.rss()
  const given = run.given
  await waitUntil(() => run.given > given + 300_000_000, { what: "much more to be said", limitMs: 30_000 })
  expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000)
  client.destroy()
  await waitUntil(() => run.closed === 1, { what: "the command to be ended" })
  expect(run.started).toBe(1)
  await house.stop()
}, 60_000)
