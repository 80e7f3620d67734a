import type Docker from "dockerode"
import type { ContainerSpec } from "./model"

/** How long an application may take to end when it is asked to. */
export const stopTimeoutSeconds = 10
const maxLogSize = "10m"

/** What the engines are asked for to make a container (Engine API, `POST /containers/create`). */
export function createOptions(spec: ContainerSpec, limited: boolean): Docker.ContainerCreateOptions {
  const limits = { Memory: spec.memoryMb * 1024 * 1024, NanoCpus: Math.round(spec.cpus * 1e9), PidsLimit: spec.pids }
  return {
    name: spec.name,
    Image: spec.image,
    Labels: spec.labels,
    Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(spec.command === undefined ? {} : { Cmd: spec.command }),
    // Without it Podman kills at once when somebody stops the container by its command line.
    StopTimeout: stopTimeoutSeconds,
    HostConfig: {
      NetworkMode: "bridge",
      // Without a bound an application that talks fills the disk. Podman takes the name for its own kind of file.
      LogConfig: { Type: "json-file", Config: { "max-size": maxLogSize } },
      ...(spec.mounts === undefined ? {} : { Binds: spec.mounts.map(({ volume, path }) => `${volume}:${path}`) }),
      ...(limited ? limits : {}),
    },
  }
}
