import { createHash } from "node:crypto"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "bun"
import { findProgram } from "./dns"
import { runCommand, temporaryFolder } from "./process"

/** A private container registry (OCI distribution, pull only) over plain HTTP, with one image that its user alone may fetch. */
export interface RegistryLab {
  /** Host and port, as an image reference begins. */
  readonly location: string
  /** A busybox that sleeps. */
  readonly image: string
  readonly username: string
  readonly password: string
  /** Requests for blobs so far. */
  readonly blobsServed: number
  stop(): Promise<void>
}

const type = "application/vnd.docker"
const [username, password] = ["puller", "p4ss word"]

/** Starts it at a free port of the loopback. */
export async function startRegistry(): Promise<RegistryLab> {
  const layerTar = await busyboxTar()
  const layer = gzipSync(layerTar)
  const digestOf = (bytes: Uint8Array<ArrayBuffer>) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`
  const config = new TextEncoder().encode(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: ["/bin/sh", "-c", "/bin/busybox sleep 600"] },
      rootfs: { type: "layers", diff_ids: [digestOf(layerTar)] },
    }),
  )
  const describe = (mediaType: string, bytes: Uint8Array<ArrayBuffer>) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${type}.distribution.manifest.v2+json`,
      config: describe(`${type}.container.image.v1+json`, config),
      layers: [describe(`${type}.image.rootfs.diff.tar.gzip`, layer)],
    }),
  )
  const blobs = new Map([config, layer].map((bytes) => [digestOf(bytes), bytes]))
  const right = `Basic ${btoa(`${username}:${password}`)}`
  const seen = { blobs: 0 }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      if (request.headers.get("authorization") !== right) {
        const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }]
        return Response.json({ errors }, { status: 401, headers: { "www-authenticate": 'Basic realm="lab"' } })
      }
      const { pathname } = new URL(request.url)
      if (pathname === "/v2/") return Response.json({})
      if (/^\/v2\/app\/manifests\/(latest|sha256:[0-9a-f]+)$/.test(pathname)) {
        const headers = { "content-type": `${type}.distribution.manifest.v2+json`, "docker-content-digest": digestOf(manifest) }
        return new Response(request.method === "HEAD" ? null : manifest, { headers })
      }
      const blob = blobs.get(/^\/v2\/app\/blobs\/(.+)$/.exec(pathname)?.[1] ?? "")
      if (blob === undefined) return Response.json({ errors: [{ code: "NAME_UNKNOWN", message: "not here" }] }, { status: 404 })
      seen.blobs++
      return new Response(blob)
    },
  })
  const location = `127.0.0.1:${server.port}`
  return {
    location,
    image: `${location}/app:latest`,
    username,
    password,
    get blobsServed() {
      return seen.blobs
    },
    stop: () => server.stop(true),
  }
}

async function busyboxTar(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await temporaryFolder("registry")
  try {
    const files = join(folder.path, "files")
    await mkdir(join(files, "bin"), { recursive: true })
    await runCommand(["cp", findProgram("busybox") ?? "busybox", join(files, "bin/busybox")])
    await runCommand(["ln", "-s", "busybox", join(files, "bin/sh")])
    await runCommand(["tar", "-C", files, "-cf", `${files}.tar`, "."])
    return new Uint8Array(await Bun.file(`${files}.tar`).arrayBuffer())
  } finally {
    await folder.remove()
  }
}
