const limitMs = 1000
const waitMs = 10_000
const pauseMs = 100

/**
 * Waits until `after` takes connections at those of the ports at which `before` does, for ten seconds at most; false where there are none. Throws when
 * the signal says so.
 */
export async function awaitReach(ports: number[], before: string, after: string, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + waitMs
  let isAwaited = false
  for (const port of ports) {
    if (!(await isReached(before, port))) continue
    isAwaited = true
    while (!(await isReached(after, port)) && performance.now() < deadline) {
      signal.throwIfAborted()
      await Bun.sleep(pauseMs)
    }
  }
  return isAwaited
}

/** Whether something takes TCP connections there; false also when it does not say within a second. */
export async function isReached(hostname: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), limitMs)
  const connecting = Bun.connect({
    hostname,
    port,
    socket: { open: () => resolve(true), connectError: () => resolve(false), data: () => {}, close: () => resolve(false) },
  })
  connecting.catch(() => resolve(false))
  const reached = await promise
  clearTimeout(timer)
  void connecting.then((socket) => socket.terminate()).catch(() => undefined)
  return reached
}
