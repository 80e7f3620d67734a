// A program: an HTTP/1.1 server that swallows bodies with a Content-Length as fast as the kernel hands them over. Not a server for anything else.

type Reading = { head: string; left: number }

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: text/plain\r\n\r\nswallowed"

Bun.listen<Reading>({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  socket: {
    open(socket) {
      socket.data = { head: "", left: 0 }
    },
    data(socket, chunk) {
      const reading = socket.data
      let at = 0
      while (at < chunk.length) {
        if (reading.left > 0) {
          const taken = Math.min(reading.left, chunk.length - at)
          reading.left -= taken
          at += taken
          if (reading.left === 0) socket.write(answer)
          continue
        }
        const before = reading.head.length
        reading.head += chunk.subarray(at).toString("latin1")
        const end = reading.head.indexOf("\r\n\r\n")
        if (end < 0) return
        at += end + 4 - before
        reading.left = Number(/^content-length: *(\d+)/im.exec(reading.head.slice(0, end))?.[1] ?? 0)
        reading.head = ""
        if (reading.left === 0) socket.write(answer)
      }
    },
  },
})
