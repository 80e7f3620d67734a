import type Docker from "dockerode"
import { nameIn } from "./faults"
import type { EngineContainer, ListedContainer } from "./model"

const states = ["created", "running", "paused", "restarting", "exited", "dead"] as const

/** The engine's answer about a container in our terms; throws where it is no such answer. */
export function parseContainer(info: Docker.ContainerInspectInfo): EngineContainer {
  const addresses = Object.values(info.NetworkSettings.Networks ?? {}).map((one) => one?.IPAddress)
  const startedAt = Date.parse(info.State.StartedAt)
  const finishedAt = Date.parse(info.State.FinishedAt)
  return {
    id: nameIn(info.Id),
    state: stateOf(info.State.Status),
    address: addresses.find((address) => address !== undefined && address !== ""),
    exitCode: info.State.ExitCode,
    // Year 1 stands for "never".
    startedAt: startedAt > 0 ? startedAt : undefined,
    finishedAt: finishedAt > 0 ? finishedAt : undefined,
    outOfMemory: info.State.OOMKilled,
    limits: (info.HostConfig.Memory ?? 0) > 0 ? "enforced" : "unavailable",
    hasTerminal: info.Config?.Tty === true,
    name: (info.Name ?? "").replace(/^\//, ""),
    image: info.Config?.Image ?? "",
    labels: info.Config?.Labels ?? {},
  }
}

/** One line of the engine's list in our terms; throws where it is none. */
export function parseListed(one: Docker.ContainerInfo): ListedContainer {
  return {
    id: nameIn(one.Id),
    name: (one.Names[0] ?? "").replace(/^\//, ""),
    image: one.Image,
    state: one.State,
    labels: one.Labels ?? {},
    createdAt: one.Created * 1000,
  }
}

function stateOf(word: string): EngineContainer["state"] {
  // So Podman calls one that has ended until it has tidied up after it, which may be long.
  if (word === "stopped") return "exited"
  return states.find((state) => state === word) ?? "unknown"
}
