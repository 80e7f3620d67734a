import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { ApiHouse, callsOf } from "./api.fixture"

let api: ApiHouse
let ann: string
beforeEach(async () => {
  ;({ api, ann } = await ApiHouse.withPhotos())
})
afterEach(() => api.close())

const { send, ask } = callsOf(() => ({ api, token: ann }))

describe("through a real server", () => {
  const curl = async (...args: string[]) => {
    const process = Bun.spawn(["curl", "-sS", "--noproxy", "*", "--max-time", "20", "-H", `Authorization: Bearer ${ann}`, ...args], {
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, fault] = await Promise.all([new Response(process.stdout).text(), new Response(process.stderr).text()])
    return { code: await process.exited, out, fault }
  }

  test("a file's head says what is said of it and no more, and a range is cut once", async () => {
    await send("PUT", "/storage/photos/a.bin", { body: "0123456789" })
    const origin = api.serve()
    const get = async (headers: Record<string, string>, method = "GET") => {
      const res = await fetch(`${origin}/storage/photos/a.bin`, { method, headers: { authorization: `Bearer ${ann}`, ...headers } })
      const { headers: head } = res
      return [res.status, await res.text(), head.get("content-length"), head.get("content-range"), head.get("content-disposition")] as const
    }
    const named = 'inline; filename="a.bin"'
    expect(await get({})).toEqual([200, "0123456789", "10", null, named])
    expect(await get({ range: "bytes=2-4" })).toEqual([206, "234", "3", "bytes 2-4/10", named])
    expect(await get({ range: "bytes=0-9" })).toEqual([206, "0123456789", "10", "bytes 0-9/10", named])
    // Not to be cut, although Bun would.
    expect((await get({ range: "bytes=2-4", "if-range": '"x"' })).slice(0, 2)).toEqual([200, "0123456789"])
    expect((await get({ range: "bytes=0-1,3-4" })).slice(0, 2)).toEqual([200, "0123456789"])
    expect(await get({ range: "bytes=20-" })).toMatchObject([416, expect.any(String), expect.any(String), "bytes */10", null])
    expect(await get({}, "HEAD")).toEqual([200, "", "10", null, named])
    expect(await get({ range: "bytes=2-4" }, "HEAD")).toEqual([200, "", "10", null, named])
  })

  test("an object of several pieces is one answer that says how long it is", async () => {
    const photos = await api.house.namespaces.owned("photos", "ann")
    const upload = await api.house.uploads.begin(photos, "big", { personId: "ann", kind: "s3" })
    for (const [i, text] of ["0123", "4567", "89"].entries())
      await api.house.uploads.part(
        photos,
        upload,
        i + 1,
        (async function* () {
          yield new TextEncoder().encode(text)
        })(),
      )
    await api.house.uploads.complete(photos, upload)
    const get = (headers = {}) => fetch(`${api.serve()}/storage/photos/big`, { headers: { authorization: `Bearer ${ann}`, ...headers } })
    const whole = await get()
    expect([whole.headers.get("x-freehold-length"), await whole.text()]).toEqual(["10", "0123456789"])
    const part = await get({ range: "bytes=3-8" })
    expect([part.status, part.headers.get("x-freehold-length"), part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "6",
      "bytes 3-8/10",
      "345678",
    ])
  })

  test("what breaks off leaves nothing", async () => {
    const { port } = new URL(api.serve())
    const heads = [
      "PUT /storage/photos/a HTTP/1.1\r\nContent-Length: 1000",
      "PUT /storage/photos/a HTTP/1.1\r\nTransfer-Encoding: chunked",
      "POST /storage/upload?namespace=photos HTTP/1.1\r\nContent-Length: 1000\r\nContent-Type: multipart/form-data; boundary=X",
    ]
    const bodies = ["half", "4\r\nhalf\r\n", '--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf']
    for (const [i, head] of heads.entries())
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), "127.0.0.1", () =>
          socket.write(`${head}\r\nHost: a\r\nAuthorization: Bearer ${ann}\r\n\r\n${bodies[i]}`, () =>
            setTimeout(() => socket.destroy(), 100),
          ),
        )
        socket.on("close", () => resolve())
      })
    await Bun.sleep(100)
    expect(api.house.onDisk()).toEqual([])
    expect(await ask("GET", "/storage/files?namespace=photos")).toEqual([200, [] as never])
    // A client that goes is nobody's fault of ours.
    expect(api.house.logged.filter((line) => line.includes("error"))).toEqual([])
  })

  test("who is refused before 200 MB were sent gets the answer", async () => {
    const file = `${api.house.folder}/large`
    await Bun.$`truncate -s 200M ${file}`.quiet()
    await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: 1000 } })
    const at = `${api.serve()}/storage/photos/large`
    const code = ["-o", "/dev/null", "-w", "%{http_code}"]
    for (const more of [[], ["-H", "Expect:"]]) {
      expect(await curl(...code, ...more, "-T", file, at)).toEqual({ code: 0, out: "507", fault: "" })
      expect(await curl(...code, ...more, "-H", "Transfer-Encoding: chunked", "-T", file, at)).toMatchObject({ out: "507" })
      expect(await curl(...code, ...more, "-H", "Authorization: Bearer wrong", "-T", file, at)).toMatchObject({ out: "401" })
      expect(await curl(...code, ...more, "-F", `file=@${file}`, "-H", "X-File-Size: 209715200", at)).toMatchObject({ out: "507" })
      expect(await curl(...code, ...more, "-F", `file=@${file}`, at)).toMatchObject({ out: "507" })
    }
    await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: null } })
    await send("PUT", "/storage/photos/large", { body: "there" })
    expect(await curl(...code, "-F", `file=@${file}`, at)).toMatchObject({ code: 0, out: "409" })
    expect(await curl(...code, "-T", file, at)).toEqual({ code: 0, out: "200", fault: "" })
  }, 60_000)
})
