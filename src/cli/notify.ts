/** Tells systemd that the service is ready (sd_notify), where systemd asked to be told. Never fails the start. */
export const notifyReady = (socket: string | undefined): Promise<void> => notify(socket, "--ready")

/** Tells systemd that the service is about to end. Never fails. */
export const notifyStopping = (socket: string | undefined): Promise<void> => notify(socket, "STOPPING=1")

/**
 * Tells systemd three times within `limitMs` that the event loop of this thread still turns, until the returned function is called; a service that it
 * does not hear of in time it ends and starts again (`WatchdogSec`). Does nothing where it did not ask.
 */
export function startWatchdog(socket: string | undefined, limitMs: number | undefined): () => void {
  if (socket === undefined || limitMs === undefined) return () => {}
  void notify(socket, "WATCHDOG=1")
  const timer = setInterval(() => void notify(socket, "WATCHDOG=1"), limitMs / 3)
  return () => clearInterval(timer)
}

async function notify(socket: string | undefined, word: string): Promise<void> {
  if (socket === undefined) return
  try {
    // Bun has no Unix datagram sockets; systemd's own program has, and waits until the message was taken in.
    await Bun.spawn(["systemd-notify", word], { stdout: "ignore", stderr: "ignore", timeout: 5000 }).exited
  } catch {
    // Without that program there is no systemd to wait for us.
  }
}
