import { expect, test } from "bun:test"
import { parseChange, parseDefinition, parseMountPaths, parseRules } from "./definition"
import { endOf, restartAfter } from "./ending"
import { registryOf } from "./registries"
import { between } from "./usage-samples"

const types = ["nano", "micro"]
const standard = {
  image: "app",
  memoryMb: 512,
  storageGb: 5,
  instanceType: "nano",
  pullPolicy: "IfNotPresent",
  env: "{}",
  command: null,
  restartPolicy: "no",
  pidsLimit: null,
  mountPaths: '["/root"]',
  sshEnabled: 0,
}

test("what a create body leaves out stands for the default", () => {
  expect(parseDefinition({ image: " app " }, types)).toEqual(standard as never)
})

test.each([
  [{ env: { A_1: "x=y", b: "" } }, { env: '{"A_1":"x=y","b":""}' }],
  [{ command: ["sleep", "60"] }, { command: '["sleep","60"]' }],
  [{ command: [] }, { command: null }],
  [{ restart_policy: "unless-stopped" }, { restartPolicy: "always" }],
  [{ restart_policy: "on-failure" }, { restartPolicy: "on-failure" }],
  [{ pids_limit: 64 }, { pidsLimit: 64 }],
  [{ mount_paths: ["/data/", "//data", "/var//lib/x"] }, { mountPaths: '["/data","/var/lib/x"]' }],
  [{ mount_paths: [] }, { mountPaths: "[]" }],
  [{ ssh_enabled: true }, { sshEnabled: 1 }],
  [{ enable_ssh: true }, { sshEnabled: 1 }],
  [{ ssh_enabled: false, enable_ssh: true }, { sshEnabled: 0 }],
  [{ instance_type: "micro" }, { instanceType: "micro" }],
])("a create body with %p is understood", (body, expected) => {
  expect(parseDefinition({ image: "app", ...body }, types)).toEqual({ ...standard, ...expected } as never)
})

test.each([
  [{ env: ["A=b"] }, 'env must be an object such as {"TZ": "Europe/Oslo"}'],
  [{ env: { "1A": "b" } }, 'env: "1A" is not the name of a variable'],
  [{ env: { "A=B": "b" } }, 'env: "A=B" is not the name of a variable'],
  [{ env: { A: 1 } }, "env: the value of A must be a string"],
  [{ env: { A: "x\0y" } }, "env: the value of A contains a zero byte"],
  [{ env: { A: "x".repeat(40_000) } }, "env is longer than 32768 characters"],
  [{ command: "sleep 60" }, 'command must be a list of words such as ["sleep", "60"]'],
  [{ command: ["a", 1] }, 'command must be a list of words such as ["sleep", "60"]'],
  [{ restart_policy: "sometimes" }, "restart_policy must be no, on-failure or always"],
  [{ pids_limit: 7 }, "pids_limit must be a whole number from 8 to 32768"],
  [{ mount_paths: ["data"] }, "mount paths must be absolute (start with /)"],
  [{ mount_paths: "/data" }, 'mount_paths must be a list such as ["/data"]'],
  [{ mount_paths: ["/"] }, 'mount path "/" is not a folder that can be mounted'],
  [{ mount_paths: ["/a/../etc"] }, 'mount path "/a/../etc" is not a folder that can be mounted'],
  [{ mount_paths: ["/a:/b"] }, 'mount path "/a:/b" is not a folder that can be mounted'],
  [{ mount_paths: ["/proc/1"] }, 'mount path "/proc/1" belongs to the system'],
  [{ ssh_enabled: "yes" }, "ssh_enabled must be true or false"],
  [{ instance_type: "mini" }, "instance_type must be one of: nano, micro"],
])("a create body with %p is refused: %s", (body, error) => {
  expect(() => parseDefinition({ image: "app", ...body }, types)).toThrow(error)
})

test("a change is what it names and nothing else", () => {
  expect(parseChange({}, types)).toEqual({})
  expect(parseChange({ memory_mb: 128, env: { A: "b" }, command: null }, types)).toEqual({ memoryMb: 128, env: '{"A":"b"}', command: null })
  expect(() => parseChange({ name: "x" }, types)).toThrow('"name" cannot be changed')
  expect(() => parseChange({ image: "" }, types)).toThrow("image is required")
})

test("rules are read with and without a target, each port once", () => {
  expect(parseRules([{ port: 443, target_port: 3000 }, 8080, { port: 80, target_port: 0 }])).toEqual([
    { port: 443, targetPort: 3000 },
    { port: 8080, targetPort: 8080 },
    { port: 80, targetPort: 80 },
  ])
  expect(parseRules(undefined)).toEqual([])
  for (const port of [22, 7999, 9000, 0, 80.5, "80", null]) expect(() => parseRules([{ port }])).toThrow("external port not allowed")
  for (const target_port of [-1, 65_536, 1.5, "1"])
    expect(() => parseRules([{ port: 80, target_port }])).toThrow("target port must be between 1 and 65535")
  expect(() => parseRules([443, { port: 443, target_port: 1 }])).toThrow("ingress_rules names a port twice")
  expect(() => parseRules({ port: 80 })).toThrow("ingress_rules must be a list")
  expect(parseMountPaths(["/a", "/a"])).toEqual(["/a"])
})

const ended = { state: "exited" as const, exitCode: 1, outOfMemory: false, startedAt: 1000, finishedAt: 2000 }

test.each([
  ["no", 0, ended, undefined],
  ["on-failure", 0, ended, { pauseMs: 1000, restarts: 1 }],
  ["on-failure", 0, { ...ended, exitCode: 0 }, undefined],
  ["on-failure", 0, { ...ended, exitCode: 0, outOfMemory: true }, { pauseMs: 1000, restarts: 1 }],
  ["always", 3, { ...ended, exitCode: 0 }, { pauseMs: 8000, restarts: 4 }],
  ["always", 40, ended, { pauseMs: 60_000, restarts: 41 }],
  ["always", 40, { ...ended, finishedAt: 11_000 }, { pauseMs: 1000, restarts: 1 }],
  ["always", 0, { ...ended, state: "created" as const }, undefined],
] as const)("the policy %s after %d restarts answers %p with %p", (restartPolicy, restarts, found, expected) => {
  expect(restartAfter({ restartPolicy, restarts, memoryMb: 64 }, found)).toEqual(expected)
})

test("an end is told in words", () => {
  expect(endOf({ memoryMb: 64 }, { ...ended, exitCode: 0 })).toEqual({
    status: "stopped",
    statusDetail: "the application ended with exit code 0",
  })
  expect(endOf({ memoryMb: 64 }, { ...ended, outOfMemory: true }).statusDetail).toBe(
    "the application was ended for using more than 64 MB of memory",
  )
})

test.each([
  ["nginx", "docker.io"],
  ["library/nginx:1.27", "docker.io"],
  ["ghcr.io/a/b", "ghcr.io"],
  ["Registry.lan:5000/a", "registry.lan:5000"],
  ["localhost/a", "localhost"],
])("the image %s comes from %s", (image, registry) => expect(registryOf(image)).toBe(registry))

test("a sample is what was used between two looks, and none where the counts began anew", () => {
  const usage = (cpuMs: number, receivedBytes: number | undefined) => ({ cpuMs, memoryBytes: 5, receivedBytes, sentBytes: 0, processes: 2 })
  expect(between({ at: 0, usage: usage(100, 50) }, { at: 2000, usage: usage(1100, 250) })).toEqual({
    time: "1970-01-01T00:00:02.000Z",
    cpu_percent: 50,
    memory_bytes: 5,
    received_bytes_per_second: 100,
    sent_bytes_per_second: 0,
    processes: 2,
  })
  expect(between({ at: 0, usage: usage(100, undefined) }, { at: 1000, usage: usage(100, 7) })?.received_bytes_per_second).toBeNull()
  expect(between({ at: 0, usage: usage(100, 50) }, { at: 2000, usage: usage(10, 0) })).toBeUndefined()
  expect(between({ at: 5, usage: usage(0, 0) }, { at: 5, usage: usage(0, 0) })).toBeUndefined()
})
