import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { findProgram } from "../lab/dns"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { freePort } from "../lab/ports"
import { runCommand, temporaryFolder, waitUntil } from "../lab/process"
import { type Appliance, startAppliance } from "./appliance"
import { openSshOptions } from "./openssh"
import type { Person } from "./person"
import { runProgram } from "./program"

const sftpServer = "/usr/lib/openssh/sftp-server"
const missing = ["ssh", "scp", "sftp", "ssh-keygen", "ldd"].find((name) => findProgram(name) === undefined)
const obstacle =
  podmanObstacle() ??
  (missing === undefined ? undefined : `${missing} is not installed`) ??
  (existsSync(sftpServer) ? undefined : `${sftpServer} is not installed`)
const address = "127.0.0.1"
const image = "localhost/freehold-openssh:latest"

describe.skipIf(obstacle !== undefined)(
  `OpenSSH into a container that has scp and sftp${obstacle ? ` (skipped: ${obstacle})` : ""}`,
  () => {
    let podman: PodmanLab
    let house: Appliance
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let ada: Person
    let container: string
    let port: number

    beforeAll(async () => {
      folder = await temporaryFolder("ssh-inside")
      podman = await startPodman()
      await makeImage()
      house = await startAppliance({ address, settings: { FREEHOLD_CONTAINER_ENGINE: `unix://${podman.socket}` } })
      port = Number(/"message":"SSH is open","port":(\d+)/.exec(house.output())?.[1])
      ada = await house.login()
      await runProgram(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("ada")])
      expect(await house.cli(["ssh-keys", "add", file("ada.pub")], { token: ada.token })).toMatchObject({ code: 0 })
      container = await open(image)
    }, 120_000)
    afterAll(async () => {
      await house?.stop()
      await podman?.stop()
      await folder?.remove()
    }, 30_000)

    const file = (name: string) => join(folder.path, name)
    const options = () => openSshOptions(file("ada"), file("known_hosts"))
    const ssh = (words: string[], id = container) => runProgram(["ssh", ...options(), "-p", String(port), `${id}@${address}`, ...words])
    const copy = (program: "scp" | "sftp", words: string[], input?: string) =>
      runProgram([program, ...options(), "-P", String(port), ...words], { input })

    /** Busybox, and the programs that OpenSSH's own clients look for, with the libraries that they need. */
    async function makeImage(): Promise<void> {
      const root = file("image")
      for (const program of [sftpServer, findProgram("scp") ?? "scp"]) {
        const { out } = await runProgram(["ldd", program])
        const libraries = [...out.matchAll(/(\/\S+)/g)].map(([, path]) => path ?? "")
        for (const path of [program, ...libraries]) {
          await mkdir(join(root, dirname(path)), { recursive: true })
          await runCommand(["cp", "--dereference", path, join(root, path)])
        }
      }
      await mkdir(join(root, "etc"))
      await writeFile(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n")
      await mkdir(join(root, "root"))
      await mkdir(join(root, "bin"), { recursive: true })
      await runCommand(["cp", findProgram("busybox") ?? "busybox", join(root, "bin/busybox")])
      await runCommand(["ln", "-s", "busybox", join(root, "bin/sh")])
      await runCommand(["tar", "-C", root, "-cf", file("image.tar"), "."])
      const command = JSON.stringify(["/bin/sh", "-c", "trap 'exit 0' TERM; /bin/busybox sleep 100000 & wait"])
      await podman.run("import", "--change", `CMD ${command}`, "--change", "ENV PATH=/usr/bin:/bin", file("image.tar"), image)
    }

    async function open(of: string): Promise<string> {
      const id = await ada.container("inside", of)
      await ada.send("PUT", `/compute/containers/${id}/ssh`, { ssh_enabled: true })
      return id
    }

    test("sftp and scp are served by the container's own sftp-server", async () => {
      const contents = randomBytes(3_000_000)
      await writeFile(file("data.bin"), contents)
      expect(await copy("scp", [file("data.bin"), `${container}@${address}:data.bin`])).toEqual({ code: 0, out: "", err: "" })
      expect(await copy("scp", [`${container}@${address}:/root/data.bin`, file("back.bin")])).toEqual({ code: 0, out: "", err: "" })
      expect((await readFile(file("back.bin"))).equals(contents)).toBe(true)
      // Freehold's own makes no links.
      const linked = await copy("sftp", ["-b", "-", `${container}@${address}`], "ln -s data.bin link\nls -l\n")
      expect(linked).toMatchObject({ code: 0, err: "", out: expect.stringContaining("link") })
      expect((await ssh(["/bin/busybox readlink /root/link"])).out).toBe("data.bin\n")
    }, 60_000)

    test("the old protocol is spoken by the container's own scp, both ways", async () => {
      const contents = randomBytes(1_000_000)
      await writeFile(file("old.bin"), contents)
      expect(await copy("scp", ["-O", file("old.bin"), `${container}@${address}:/root/old.bin`])).toMatchObject({ code: 0, err: "" })
      expect(await copy("scp", ["-O", `${container}@${address}:/root/old.bin`, file("old-back.bin")])).toMatchObject({ code: 0, err: "" })
      expect((await readFile(file("old-back.bin"))).equals(contents)).toBe(true)
    }, 60_000)

    test("when the container is deleted, its sessions, its forwarded ports and the connection end", async () => {
      const doomed = await open(podman.image)
      const running = ssh(["echo begun >/www/begun; sleep 1000"], doomed)
      await waitUntil(async () => (await ssh(["cat /www/begun"], doomed)).out === "begun\n", { what: "the session to run" })
      const local = await freePort(address)
      const words = ["-N", "-L", `${address}:${local}:localhost:8080`, "-p", String(port), `${doomed}@${address}`]
      const forward = Bun.spawn(["ssh", ...options(), ...words], { stderr: "ignore" })
      const page = () => fetch(`http://${address}:${local}/`, { keepalive: false }).then((res) => res.text())
      await waitUntil(async () => (await page()) === "hello from busybox\n", { what: "the page" })
      await ada.send("DELETE", `/compute/containers/${doomed}`)
      expect((await running).code).not.toBe(0)
      // Within the ten seconds in which each login is asked about again.
      await Promise.race([forward.exited, Bun.sleep(25_000).then(() => Promise.reject(new Error("the connection is still there")))])
      expect((await ssh(["true"], doomed)).err).toContain("Permission denied (publickey)")
    }, 60_000)
  },
)
