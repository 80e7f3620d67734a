/** A relay under test, TLS at a loopback port for `app.test`. */
export type Relay = {
  port: number
  certificate: string
  /** Whether it holds no connection of a client, so that nothing of a case can come after it. */
  isIdle: () => boolean
  stop: () => Promise<void> | void
}

/** How a relay to a loopback port is started; `patienceMs` is how long it may wait for an upstream. */
export type StartRelay = (upstreamPort: number, patienceMs: number) => Promise<Relay>

/** Waits until the condition holds: true, or false after `limitMs`. */
export async function isWithin(limitMs: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) return false
    await Bun.sleep(1)
  }
  return true
}

/** Waits until the relay has noticed that its client is gone, and what it wrote before has arrived; throws after five seconds. */
export async function settled(relay: Relay): Promise<void> {
  if (!(await isWithin(5000, () => relay.isIdle())))
    throw new Error("the relay still holds the connection of a client that left five seconds ago")
  for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
}
