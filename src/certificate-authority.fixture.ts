import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:https"
import type { RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export type TestServer = { port: number; requests: string[]; stop(): Promise<void> }

/** A certificate authority of openssl's, for servers of a test; nobody trusts it but who is given `ca`. */
export type TestAuthority = {
  ca: string
  serve(names: string[], answer: RequestListener, address?: string): Promise<TestServer>
  remove(): Promise<void>
}

/** Makes the authority; `serve` starts an HTTPS server on a free port with a certificate for `names` (`DNS:…` or `IP:…`). */
export async function startAuthority(): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), "freehold-ca-"))
  const at = (name: string) => join(folder, name)
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
  const authority = [
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=Freehold test",
    "-addext",
    "basicConstraints=critical,CA:true",
  ]
  await Bun.$`openssl req -x509 ${key} ${authority}`.quiet()
  const ca = await readFile(at("ca.pem"), "utf8")
  let made = 0
  return {
    ca,
    async serve(names, answer, address = "127.0.0.1") {
      const own = at(`server-${made++}`)
      await writeFile(`${own}.ext`, `subjectAltName=${names.join(",")}\n`)
      await Bun.$`openssl req ${key} -keyout ${own}.key -subj /CN=server -out ${own}.csr`.quiet()
      await Bun.$`openssl x509 -req -in ${own}.csr -CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial -days 2 -extfile ${own}.ext -out ${own}.pem`.quiet()
      const requests: string[] = []
      const server = createServer({ key: await readFile(`${own}.key`), cert: await readFile(`${own}.pem`) }, (req, res) => {
        requests.push(`${req.method} ${req.headers.host} ${req.url}`)
        answer(req, res)
      })
      server.on("tlsClientError", () => {})
      await new Promise<void>((resolve) => server.listen(0, address, resolve))
      return {
        port: (server.address() as AddressInfo).port,
        requests,
        stop: () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          }),
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
