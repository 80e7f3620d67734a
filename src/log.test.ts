import { expect, test } from "bun:test"
import { createLog, type LogLevel } from "./log"

test("the level is asked for at each line", () => {
  const lines: string[] = []
  let level: LogLevel = "warn"
  const log = createLog(
    () => level,
    (line) => lines.push(JSON.parse(line).message),
  )
  log.info("unheard")
  log.warn("heard")
  level = "debug"
  log.debug("heard too")
  level = "error"
  log.warn("unheard again")
  expect(lines).toEqual(["heard", "heard too"])
})

test("a line is one JSON object; a thrown value becomes its message, with its stack for errors only", () => {
  const lines: Record<string, unknown>[] = []
  const log = createLog("info", (line) => lines.push(JSON.parse(line)))
  log.warn("half", { error: new Error("broken\nin two"), host: "a.example" })
  log.error("whole", { error: new Error("broken") })
  expect(lines[0]).toMatchObject({ level: "warn", message: "half", error: "broken\nin two", host: "a.example" })
  expect(lines[0]).not.toHaveProperty("stack")
  expect(String(lines[1]?.stack)).toContain("log.test.ts")
})

test("a reader of standard error that goes away does not end the process", async () => {
  const script = `
    import { createLog } from ${JSON.stringify(`${import.meta.dir}/log.ts`)}
    const log = createLog("info")
    log.info("first")
    for await (const _ of process.stdin) log.info("unread")
    await Bun.sleep(50)`
  const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "ignore", stderr: "pipe" })
  const reader = child.stderr.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toContain("first")
  await reader.cancel()
  child.stdin.write("1")
  await child.stdin.flush()
  await Bun.sleep(50)
  child.stdin.write("2")
  await child.stdin.end()
  expect(await child.exited).toBe(0)
})
