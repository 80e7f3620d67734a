import { cpus, release, totalmem } from "node:os"

/** What the figures were made on and with, for the head of the output. */
export async function describeMachine(): Promise<Record<string, string>> {
  const cores = cpus()
  const first = async (...command: string[]) => {
    if (Bun.which(command[0] ?? "", { PATH: searched }) === null) return "not installed"
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", env: { ...process.env, PATH: searched }, timeout: 5000 })
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    return /\d+\.\d+[\w.~+-]*/.exec(out + err)?.[0] ?? "unknown"
  }
  const commands = [
    ["nginx", "-v"],
    ["haproxy", "-v"],
    ["caddy", "version"],
    ["wrk", "-v"],
    ["h2load", "--version"],
    ["openssl", "version"],
    ["rclone", "version"],
  ]
  const versions = await Promise.all(commands.map(async ([name = "", ...args]) => `${name} ${await first(name, ...args)}`))
  return {
    machine: `${cores[0]?.model.trim() ?? "unknown CPU"}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    versions: [`Bun ${Bun.version}`, ...versions].join(", "),
    date: new Date().toISOString(),
  }
}

const searched = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`
