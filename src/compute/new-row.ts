import { randomBytes } from "node:crypto"
import type { ContainerRow } from "../db/schema"
import type { Caller } from "./model"

/** 8 hex digits, so that it is a DNS label: `<id>.compute.<base>`. */
export const newContainerId = () => randomBytes(4).toString("hex")

/** A container of the engine of which nothing is said yet but whose it is. */
export function newRow({ personId }: Caller, name: string, createdAt: number): ContainerRow {
  return {
    id: newContainerId(),
    personId,
    name,
    kind: "engine",
    image: null,
    memoryMb: 0,
    storageGb: 0,
    instanceType: "",
    pullPolicy: "IfNotPresent",
    env: "{}",
    command: null,
    restartPolicy: "no",
    pidsLimit: null,
    mountPaths: "[]",
    sshEnabled: 0,
    desired: "running",
    status: "pending",
    statusDetail: null,
    engineId: null,
    address: null,
    ports: "{}",
    restarts: 0,
    restartAt: null,
    adopted: 0,
    createdAt,
  }
}

/** An application outside any engine, which runs for all that we know. */
export function newExternalRow(
  caller: Caller,
  name: string,
  { address, ports }: { address: string; ports: Record<string, number> },
  createdAt: number,
): ContainerRow {
  const kind = { kind: "external" as const, instanceType: "external", status: "running" as const }
  return { ...newRow(caller, name, createdAt), ...kind, address, ports: JSON.stringify(ports) }
}
