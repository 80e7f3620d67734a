/** Tells systemd that the service is ready (sd_notify), where systemd asked to be told. Never fails the start. */
export async function notifyReady(socket: string | undefined): Promise<void> {
  if (socket === undefined) return
  try {
    // Bun has no Unix datagram sockets; systemd's own program has, and waits until the message was taken in.
    await Bun.spawn(["systemd-notify", "--ready"], { stdout: "ignore", stderr: "ignore", timeout: 5000 }).exited
  } catch {
    // Without that program there is no systemd to wait for us.
  }
}
