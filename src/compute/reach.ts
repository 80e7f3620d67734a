const limitMs = 1000

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
