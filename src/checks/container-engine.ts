import { describeError } from "../errors"
import type { Verdict } from "./check"

/** Podman or Docker: whether there is one, and whether it answers. `setting` is `container_engine` as it was given. */
export async function checkEngine(
  engine: { socketPath: string; ping(): Promise<void> } | undefined,
  setting: string | undefined,
): Promise<Verdict> {
  if (setting === "none")
    return {
      status: "ok",
      verdict: "Containers are switched off by FREEHOLD_CONTAINER_ENGINE=none; applications outside work all the same.",
    }
  if (engine === undefined) {
    return {
      status: "warn",
      verdict: "Neither Podman nor Docker was found. Applications that run by themselves work all the same.",
      remedy:
        "To run containers, install Podman and switch its socket on with “systemctl enable --now podman.socket”, or name a socket in FREEHOLD_CONTAINER_ENGINE; then restart Freehold.",
    }
  }
  try {
    await engine.ping()
    return { status: "ok", verdict: `The engine at ${engine.socketPath} answers.` }
  } catch (error) {
    return {
      status: "bad",
      verdict: `The engine at ${engine.socketPath} does not answer: ${describeError(error)}.`,
      remedy: "Start it (“systemctl start podman.socket”), and see that Freehold's user may open the socket.",
    }
  }
}
