import { afterEach, expect, test } from "bun:test"
import * as grpc from "@grpc/grpc-js"
import { type EdgeFixture, Stage, until } from "./edge.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Text/${path}`,
  requestStream,
  responseStream,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
})

const service = {
  unary: method("Unary", false, false),
  upload: method("Upload", true, false),
  download: method("Download", false, true),
  chat: method("Chat", true, true),
}

type Callback = (error: grpc.ServiceError | null, text?: string) => void
/** What grpc-js makes of the service. */
type TextClient = grpc.Client & {
  unary(text: string, metadata: grpc.Metadata, options: grpc.CallOptions, callback: Callback): grpc.ClientUnaryCall
  upload(callback: Callback): grpc.ClientWritableStream<string>
  download(text: string): grpc.ClientReadableStream<string>
  chat(): grpc.ClientDuplexStream<string, string>
}

/** A gRPC server behind the edge, a client before it, and which calls the server saw cancelled. */
async function setup(): Promise<{ fixture: EdgeFixture; client: TextClient; cancelled: string[] }> {
  const cancelled: string[] = []
  const server = new grpc.Server()
  const trailers = new grpc.Metadata()
  trailers.set("x-sum", "7")
  server.addService(service, {
    unary(call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) {
      call.on("cancelled", () => cancelled.push(call.request))
      if (call.request === "never") return
      if (call.request === "missing") return callback({ code: grpc.status.NOT_FOUND, details: "no such text", metadata: trailers })
      callback(null, `${call.request} ${String(call.metadata.get("x-own"))}`, trailers)
    },
    upload(call: grpc.ServerReadableStream<string, string>, callback: grpc.sendUnaryData<string>) {
      let size = 0
      call.on("data", (text: string) => (size += text.length))
      call.on("end", () => callback(null, String(size), trailers))
    },
    download(call: grpc.ServerWritableStream<string, string>) {
      call.on("cancelled", () => cancelled.push(call.request))
      for (let i = 0; i < 100; i++) call.write(`${i} ${"x".repeat(10_000)}`)
      if (call.request === "never") return
      if (call.request === "fails") call.emit("error", { code: grpc.status.DATA_LOSS, details: "half way" })
      else call.end(trailers)
    },
    chat(call: grpc.ServerDuplexStream<string, string>) {
      call.on("data", (text: string) => call.write(text.toUpperCase()))
      call.on("end", () => call.end(trailers))
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  stage.after(() => server.forceShutdown())
  const fixture = await stage.edgeTo({ host: "127.0.0.1", port, protocol: "h2c" })
  const Client = grpc.makeGenericClientConstructor(service, "Text")
  const credentials = grpc.credentials.createSsl(Buffer.from(fixture.certificate))
  const name = { "grpc.ssl_target_name_override": "app.test", "grpc.default_authority": "app.test" }
  const client = new Client(`127.0.0.1:${fixture.port}`, credentials, name) as unknown as TextClient
  stage.after(() => client.close())
  return { fixture, client, cancelled }
}

/** How a call ended. */
const statusOf = (call: grpc.ClientUnaryCall | grpc.ClientReadableStream<string> | grpc.ClientWritableStream<string>) =>
  new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve))

const own = () => {
  const metadata = new grpc.Metadata()
  metadata.set("x-own", "mine")
  return metadata
}

test("a unary call: message, metadata and status in the trailers", async () => {
  const { fixture, client } = await setup()
  let answer: string | undefined
  const status = await statusOf(client.unary("hello", own(), {}, (_, text) => (answer = text)))
  expect([status.code, answer, status.metadata.get("x-sum")]).toEqual([grpc.status.OK, "hello mine", ["7"]])
  await until(() => fixture.access.length === 1)
  expect(fixture.access[0]).toMatchObject({ protocol: "HTTP/2", method: "POST", path: "/test.Text/Unary", status: 200 })
})

test("an error is told in trailers alone", async () => {
  const { client } = await setup()
  const status = await statusOf(client.unary("missing", own(), {}, () => {}))
  expect([status.code, status.details, status.metadata.get("x-sum")]).toEqual([grpc.status.NOT_FOUND, "no such text", ["7"]])
})

test("client, server and bidirectional streams", async () => {
  const { client } = await setup()
  let size: string | undefined
  const upload = client.upload((_, text) => (size = text))
  for (let i = 0; i < 200; i++) upload.write("x".repeat(10_000))
  upload.end()
  expect((await statusOf(upload)).code).toBe(grpc.status.OK)
  expect(size).toBe("2000000")

  const texts: string[] = []
  const download = client.download("all")
  download.on("data", (text: string) => texts.push(text.split(" ")[0]!))
  const downloaded = await statusOf(download)
  expect([downloaded.code, texts.length, texts.at(-1), downloaded.metadata.get("x-sum")]).toEqual([grpc.status.OK, 100, "99", ["7"]])

  const chat = client.chat()
  const heard: string[] = []
  chat.on("data", (text: string) => {
    heard.push(text)
    // Each message waits for the answer to the one before: nothing may be held back on the way.
    if (heard.length < 20) chat.write(`m${heard.length}`)
    else chat.end()
  })
  chat.write("m0")
  expect((await statusOf(chat)).code).toBe(grpc.status.OK)
  expect(heard).toEqual(Array.from({ length: 20 }, (_, i) => `M${i}`))
})

test("a stream that fails half way ends with its status, after the messages before", async () => {
  const { client } = await setup()
  const texts: string[] = []
  const download = client.download("fails")
  download.on("data", (text: string) => texts.push(text))
  download.on("error", () => {})
  const status = await statusOf(download)
  expect([status.code, status.details]).toEqual([grpc.status.DATA_LOSS, "half way"])
})

test("a deadline and a cancel reach the server", async () => {
  const { client, cancelled } = await setup()
  const late = await statusOf(client.unary("never", own(), { deadline: Date.now() + 200 }, () => {}))
  expect(late.code).toBe(grpc.status.DEADLINE_EXCEEDED)
  await until(() => cancelled.length === 1)
  const download = client.download("never")
  download.on("error", () => {})
  download.once("data", () => download.cancel())
  expect((await statusOf(download)).code).toBe(grpc.status.CANCELLED)
  await until(() => cancelled.length === 2)
})

test("a server that is gone is UNAVAILABLE, and the connection of the client stays", async () => {
  const raw = await stage.raw()
  raw.stop()
  const { fixture, client } = await setup()
  fixture.routes.replace([
    { host: "app.test", target: { kind: "upstream", upstream: { ...(raw.upstream as { host: string; port: number }), protocol: "h2c" } } },
  ])
  const status = await statusOf(client.unary("hello", own(), {}, () => {}))
  expect(status.code).toBe(grpc.status.UNAVAILABLE)
  expect(fixture.edge.connections).toBe(1)
})
