// One port shared by worker threads, also in a compiled binary. By hand: bun test/probes/reuse-port.ts
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { certificateFor, within } from "./certificate"

const names = ["a.test", "b.test"]
await share()
if (!import.meta.url.includes("$bunfs")) await compiled()
process.exit(0)

async function share(): Promise<void> {
  const certificates = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await certificateFor(name)])))
  // Relative to this file, which is the first entry point: so a file that stands directly in src/ must name the worker.
  const workers = [0, 1].map(() => new Worker(new URL("./reuse-port-worker.ts", import.meta.url)))
  let port = 0
  for (const [id, worker] of workers.entries()) {
    const heard = Promise.withResolvers<number>()
    worker.addEventListener("message", (event) => heard.resolve(event.data.port), { once: true })
    worker.addEventListener("error", (event) => heard.reject(new Error(event.message)), { once: true })
    worker.postMessage({ id, port, certificates }, [])
    const told = await within("worker", heard.promise)
    if (typeof told === "string") return console.log(told)
    port = told
  }
  await spread("both workers", port)
  const ended = new Promise((resolve) => workers[0]?.addEventListener("close", resolve))
  workers[0]?.addEventListener("error", (event) => {
    event.preventDefault()
    console.log("main heard of an error in a worker")
  })
  workers[0]?.postMessage({ fail: true })
  await ended
  await spread("after the first one failed", port)
  for (const worker of workers) worker.terminate()
}

async function spread(what: string, port: number): Promise<void> {
  const tally: Record<string, number> = {}
  for (let index = 0; index < 40; index++) {
    const name = names[index % 2] ?? ""
    const answer = await within("visit", visit(port, name), 1000)
    tally[answer] = (tally[answer] ?? 0) + 1
  }
  console.log(what, tally)
}

function visit(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const peer = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false }, () => peer.write("who"))
    peer.on("error", reject)
    peer.on("data", (chunk) => {
      resolve(`${peer.getPeerCertificate().subject?.CN} from worker ${chunk}`)
      peer.destroy()
    })
  })
}

async function compiled(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "reuse-port-"))
  const entries = [import.meta.path, join(import.meta.dir, "reuse-port-worker.ts")]
  const build = ["build", "--compile", "--minify", "--sourcemap=none", ...entries, "--outfile", join(folder, "probe")]
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...build])
  if (exitCode !== 0) console.log(stderr.toString())
  console.log("the same, compiled:")
  const program = Bun.spawn([join(folder, "probe")], { cwd: folder, stdout: "inherit", stderr: "ignore" })
  await program.exited
  await rm(folder, { recursive: true })
}
