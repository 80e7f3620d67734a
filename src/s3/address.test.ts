import { expect, test } from "bun:test"
import { addressOf, targetOf } from "./address"
import { codeOf } from "./signature.fixture"

const hosts = (host: string) => {
  if (host === "s3.box.example" || host === "127.0.0.1" || host === "[::1]") return undefined
  return host.endsWith(".s3.box.example") ? host.slice(0, -".s3.box.example".length) : null
}

test.each<[string, string, string | undefined, string | undefined]>([
  ["s3.box.example", "/", undefined, undefined],
  ["s3.box.example", "/b", "b", undefined],
  ["s3.box.example", "/b/", "b", undefined],
  ["S3.Box.Example:9000", "/b/k", "b", "k"],
  ["127.0.0.1:80", "/b/k", "b", "k"],
  ["[::1]:80", "/b/k", "b", "k"],
  ["photos.s3.box.example.", "/", "photos", undefined],
  ["photos.s3.box.example", "/k/l", "photos", "k/l"],
  ["a.b.s3.box.example", "//k", "a.b", "/k"],
  ["s3.box.example", "/b//k//", "b", "/k//"],
  ["s3.box.example", "/b/a/../c/./d", "b", "a/../c/./d"],
  ["s3.box.example", "/b/%2e%2e%2Fc", "b", "../c"],
  ["s3.box.example", "/b/a+b%20c%2B%3F%23%25", "b", "a+b c+?#%"],
  ["s3.box.example", "/b/%C3%A9%F0%9F%98%80", "b", "é😀"],
  ["s3.box.example", "/b/%00%01", "b", "\0\u0001"],
])("%s%s is bucket %p and key %p", (host, path, bucket, key) => {
  expect(addressOf(host, path, hosts)).toEqual({ bucket, key })
})

test.each([
  ["s3.box.example", "/b/%ff", "InvalidURI"],
  ["s3.box.example", "/b/%", "InvalidURI"],
  ["s3.box.example", "/b/%C3", "InvalidURI"],
  ["s3.box.example", "/b/%ED%A0%80", "InvalidURI"],
  ["s3.box.example", "//k", "InvalidBucketName"],
  ["other.example", "/b/k", "InvalidRequest"],
])("%s%s is refused", async (host, path, code) => {
  expect(await codeOf(() => addressOf(host, path, hosts))).toBe(code)
})

test.each([
  ["http://h", "/", ""],
  ["http://h/?a", "/", "a"],
  ["http://h?a=1", "/", "a=1"],
  ["https://[::1]:9/b/a/../c%2e?x=/y?z", "/b/a/../c%2e", "x=/y?z"],
])("the path and query of %s are as they stand", (url, path, query) => {
  expect(targetOf(url)).toEqual({ path, query })
})

test("Bun's server resolves dot segments before anybody sees them, which address.ts says", async () => {
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (req) => new Response(targetOf(req.url).path) })
  const body = await new Promise<string>((resolve) => {
    let text = ""
    Bun.connect({
      hostname: "127.0.0.1",
      port: server.port ?? 0,
      socket: {
        open: (socket) => void socket.write("GET /b/a/../c//d%2fe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
        data: (_, data) => void (text += data),
        close: () => resolve(text.split("\r\n\r\n")[1] ?? ""),
      },
    })
  })
  expect(body).toBe("/b/c//d%2fe")
})
