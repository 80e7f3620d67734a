import { expect, test } from "bun:test"
import { AppError } from "../errors"
import { watchedStream } from "./watched-stream"

const bytes = (text: string) => new TextEncoder().encode(text)

/** A source that says when its reader has left. */
function source() {
  let give!: ReadableStreamDefaultController<Uint8Array>
  const left = Promise.withResolvers<void>()
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => void (give = controller), cancel: () => left.resolve() })
  return { stream, give, left: left.promise }
}

test("a stream ends once its reader's right is gone, also while nothing comes", async () => {
  const { stream, give, left } = source()
  let asked = 0
  const mayStay = async () => {
    if (++asked > 2) throw new AppError("unauthorized", "unauthorized")
  }
  give.enqueue(bytes("one\n"))
  expect(await new Response(watchedStream(stream, mayStay, 5)).text()).toBe("one\n")
  await left
  expect(asked).toBe(3)
})

test("a fault that says nothing of the right ends nothing, and the source's end is the stream's", async () => {
  const { stream, give } = source()
  const asked = Promise.withResolvers<void>()
  let times = 0
  const mayStay = async () => {
    if (++times === 2) asked.resolve()
    throw new Error("the store is away")
  }
  const text = new Response(watchedStream(stream, mayStay, 2)).text()
  await asked.promise
  give.enqueue(bytes("late\n"))
  give.close()
  expect(await text).toBe("late\n")
})

test("a reader who leaves takes the source along, and is asked about no more", async () => {
  const { stream, give, left } = source()
  let times = 0
  const watched = watchedStream(stream, async () => void times++, 5).getReader()
  give.enqueue(bytes("one\n"))
  expect(new TextDecoder().decode((await watched.read()).value)).toBe("one\n")
  await watched.cancel()
  await left
  const before = times
  await Bun.sleep(30)
  expect(times).toBe(before)
})
