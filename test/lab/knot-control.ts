import { findProgram } from "./dns"

/**
 * One `knotc` that stays for as long as its Knot is used: a thousand updates would start it a thousand times. It has no terminal, so it says OK or an
 * error after each line. Answers in the order of the lines; throws what it says of an error.
 */
export function startKnotControl(socket: string): { run(line: string): Promise<void>; stop(): Promise<void> } {
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", "stdbuf", "-oL", findProgram("knotc") ?? "knotc", "-s", socket], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const waiting: { resolve(): void; reject(error: Error): void }[] = []
  const isOver = (async () => {
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) {
        if (line === "OK") waiting.shift()?.resolve()
        else if (line.startsWith("error: ")) waiting.shift()?.reject(new Error(`knotc says ${line}`))
      }
    }
    for (const { reject } of waiting.splice(0)) reject(new Error("knotc ended"))
  })()
  return {
    run: (line) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.push({ resolve, reject })
      void child.stdin.write(`${line}\n`)
      void child.stdin.flush()
      return promise
    },
    stop: async () => {
      await child.stdin.end()
      await child.exited
      await isOver
    },
  }
}
