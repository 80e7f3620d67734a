// A program: `load.ts FILE`. Sends the requests that a file tells over keep-alive connections, each waiting for its answer, as fast as that goes, and
// prints the seconds it took. Requests and bodies are made before the clock starts.

import type { LoadPlan } from "./client"

const plan = (await Bun.file(process.argv[2] ?? "").json()) as LoadPlan
const { port, connections, bodyBytes } = plan

const bodies = plan.requests.map(({ bodySeed }) => (bodySeed === undefined ? undefined : randomBody(bodySeed, bodyBytes)))
const heads = plan.requests.map(({ method, path, headers }, i) => {
  const all = {
    host: `127.0.0.1:${port}`,
    ...headers,
    ...(bodies[i] === undefined ? {} : { "content-length": String(bodies[i].byteLength) }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`)
})
const whole = heads.map((head, i) => (bodies[i] === undefined ? head : Buffer.concat([head, bodies[i]])))

let next = 0
const began = performance.now()
await Promise.all(Array.from({ length: connections }, () => serve()))
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }))
process.exit(0)

/** One connection. */
async function serve(): Promise<void> {
  let head = ""
  /** Bytes of the body that have not come yet; undefined while the head has not. */
  let left: number | undefined
  let unsent: Uint8Array = new Uint8Array(0)
  await new Promise<void>((resolve, reject) => {
    const send = (socket: Bun.Socket) => {
      const request = whole[next++]
      if (request === undefined) {
        socket.end()
        return resolve()
      }
      unsent = request.subarray(socket.write(request))
    }
    const fail = (why: string) => reject(new Error(`${why}: ${head.slice(0, 2000)}`))
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: send,
        drain(socket) {
          if (unsent.byteLength > 0) unsent = unsent.subarray(socket.write(unsent))
        },
        data(socket, chunk) {
          let bytes = chunk.byteLength
          if (left === undefined) {
            head += chunk.toString("latin1")
            const end = head.indexOf("\r\n\r\n")
            if (end < 0) return
            if (!/^HTTP\/1\.1 20[014] /.test(head)) return fail("an answer that is no success")
            const length = /^content-length: (\d+)/im.exec(head)?.[1]
            if (length === undefined && !head.startsWith("HTTP/1.1 204")) return fail("an answer without a length")
            left = Number(length ?? 0)
            bytes = head.length - end - 4
          }
          left -= bytes
          if (left > 0) return
          if (left < 0) return fail("more came than was announced")
          ;[head, left] = ["", undefined]
          send(socket)
        },
        close: () => resolve(),
        error: (_, error) => reject(error),
      },
    }).catch(reject)
  })
}

function randomBody(seed: number, bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4)
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state >>>= 0
  }
  return Buffer.from(words.buffer)
}
