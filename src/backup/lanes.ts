/** Each costs a round trip, and memory for a part. */
const together = 4

/** Works through a list, four at a time. After the first fault no more are begun, and it is thrown when those under way have ended. */
export async function eachOf<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const queue = all[Symbol.iterator]()
  const over = new AbortController()
  const lane = async () => {
    try {
      for (let next = queue.next(); next.done !== true && !over.signal.aborted; next = queue.next()) await work(next.value)
    } catch (error) {
      over.abort()
      throw error
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: together }, lane))
  for (const one of ended) if (one.status === "rejected") throw one.reason
}
