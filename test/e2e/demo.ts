import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { waitUntil } from "../lab/process"
import { binary } from "./appliance"

/** `freehold demo` as it runs, with what it prints of where everything is. */
export type Demo = {
  api: string
  httpsPort: string
  /** The page that embeds the widget, at an origin of its own. */
  page: string
  /** Enters a record at the customer's DNS provider. */
  publish(name: string, type: string, value: string): Promise<void>
  stop(): Promise<void>
}

/** Starts the compiled demo in a folder of its own and waits until it has said everything. */
export async function startDemo(): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), "freehold-demo-test-"))
  let said = ""
  const child = Bun.spawn([await binary(), "demo"], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder },
    stdout: "pipe",
    stderr: "inherit",
  })
  const stop = async () => {
    child.kill("SIGINT")
    await child.exited
    rmSync(folder, { recursive: true, force: true })
  }
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) said += decoder.decode(chunk, { stream: true })
  })()
  void reading.catch(() => undefined)
  try {
    await waitUntil(async () => said.includes("/records -d"), { what: "the demo to be up", limitMs: 60_000 })
  } catch (error) {
    await stop()
    throw error
  }
  const found = (pattern: RegExp) => pattern.exec(said)?.[1] ?? ""
  const panel = found(/provider: (http:\/\/localhost:\d+)\//)
  return {
    api: found(/API (http:\/\/localhost:\d+)/),
    httpsPort: found(/HTTPS (\d+)/),
    page: found(/widget: (http:\/\/localhost:\d+\/)/),
    publish: async (name, type, value) => {
      const res = await fetch(`${panel}/records`, { method: "POST", body: JSON.stringify({ name, type, value }) })
      if (res.status !== 201) throw new Error(`${name} ${type} was not entered: ${await res.text()}`)
    },
    stop,
  }
}
