import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startAuthority, type TestAuthority } from "../certificate-authority.fixture"
import { Stage } from "./edge.fixture"

const stage = new Stage()
let authority: TestAuthority
beforeAll(async () => {
  authority = await startAuthority()
})
afterEach(() => stage.end())
afterAll(() => authority?.remove())

const get = "GET /one HTTP/1.1\r\nHost: app.test\r\n\r\n"

test("an origin whose certificate nobody vouches for is a 502, and learns nothing of the request", async () => {
  const origin = await authority.serve(["DNS:origin.test"], (_, res) => res.end("ok"))
  try {
    const fixture = await stage.edgeTo({ host: "127.0.0.1", port: origin.port, tls: { serverName: "origin.test" } })
    const client = await fixture.client()
    client.send(get)
    await client.has("HTTP/1.1 502 ")
    expect(origin.requests).toEqual([])
  } finally {
    await origin.stop()
  }
})

test("a certificate of a trusted authority counts for the origin's own name alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-origin-"))
  const origin = await authority.serve(["DNS:origin.test"], (_, res) => res.end("ok"))
  try {
    const file = join(folder, "ca.pem")
    await writeFile(file, authority.ca)
    // Whom a process trusts is decided at its start.
    const script = `
      import { Stage } from ${JSON.stringify(join(import.meta.dir, "edge.fixture"))}
      const stage = new Stage()
      for (const serverName of ["origin.test", "other.test"]) {
        const fixture = await stage.edgeTo({ host: "127.0.0.1", port: ${origin.port}, tls: { serverName } })
        const client = await fixture.client()
        for (let request = 0; request < 2; request++) {
          client.send(${JSON.stringify(get)})
          await client.has("\\r\\n\\r\\n")
          console.log(serverName, client.take().split("\\r\\n")[0])
          if (serverName === "other.test") break
        }
      }
      process.exit(0)
    `
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: file },
      stdout: "pipe",
      stderr: "inherit",
      cwd: import.meta.dir,
    })
    expect(await new Response(child.stdout).text()).toBe(
      "origin.test HTTP/1.1 200 OK\norigin.test HTTP/1.1 200 OK\nother.test HTTP/1.1 502 Bad Gateway\n",
    )
    // The visitor's own hostname is what the origin is asked for, over one connection.
    expect(origin.requests).toEqual(["GET app.test /one", "GET app.test /one"])
  } finally {
    await origin.stop()
    await rm(folder, { recursive: true })
  }
})
