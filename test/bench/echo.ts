// A program: a WebSocket server that sends every message back.

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("a WebSocket is wanted here\n", { status: 426 })),
  websocket: {
    perMessageDeflate: false,
    message(socket, message) {
      socket.send(message)
    },
  },
})
