import { t } from "elysia"
import { boolean, done, integer, json, maybe, moment, named, number, oneOf, type Operations, said } from "./operation"

export const gone = { 404: "`container not found`, also for what is another's." }
const unreachable = { 503: "There is no container engine, or it does not answer." }
const engineSaid = { 502: "The engine refused; the message is in its words.", ...unreachable }

const memory = integer({ minimum: 16, maximum: 1_048_576, default: 512, description: "MiB; the default for 0 and less." })
const storage = integer({
  minimum: 1,
  maximum: 65_536,
  default: 5,
  description: "GiB that it may keep beside its image and in its volumes; the default for 0 and less.",
})
const pullPolicy = oneOf(["Always", "IfNotPresent"], { default: "IfNotPresent" })
const mountPaths = t.Array(said("An absolute path of at most 255 characters."), {
  maxItems: 16,
  default: ["/root"],
  description: "What is kept over a rebuild; `[]` keeps nothing.",
})

/** What a rebuild may change too. */
const definition = {
  image: said("An image reference: `[registry[:port]/]path[:tag][@digest]`.", { maxLength: 255 }),
  memory_mb: maybe(memory),
  storage_gb: maybe(storage),
  instance_type: maybe(said("One of `GET /compute/instance-types`; the first of them where it is left out.")),
  pids_limit: maybe(integer({ minimum: 8, maximum: 32_768, description: "The most processes, above what the instance type says." })),
  env: maybe(t.Record(t.String(), t.String(), { description: "At most 200 variables in 32 KiB." })),
  command: maybe(t.Array(t.String(), { maxItems: 200, description: "Words, instead of the image's own command." })),
  restart_policy: maybe(oneOf(["no", "on-failure", "always"], { default: "no" })),
  pull_policy: maybe(pullPolicy),
}

export const rule = {
  port: integer({ minimum: 80, maximum: 8999, description: "80, 443 or 8000 to 8999: what the world may reach." }),
  target_port: maybe(
    integer({ minimum: 0, maximum: 65_535, description: "The container's port; the same as `port` where it is left out or 0." }),
  ),
}

const name = said("1 to 64 characters, no control characters.", { minLength: 1, maxLength: 64 })

const newContainer = t.Object({
  name,
  ...definition,
  mount_paths: maybe(mountPaths),
  ssh_enabled: maybe(boolean({ default: false })),
  ingress_rules: maybe(t.Array(t.Object(rule), { maxItems: 100 })),
})

const newExternal = t.Object(
  {
    name,
    address: said("An IP address."),
    ports: maybe(t.Record(t.String(), integer(), { description: "Port of a mapping → the application's real port." })),
  },
  { description: "An application outside any engine; an administrator registers it." },
)

export const container = named(
  "Container",
  t.Object({
    id: t.String(),
    name: t.String(),
    kind: oneOf(["engine", "external"]),
    status: oneOf(["pending", "initializing", "running", "stopped", "failed"]),
    status_detail: maybe(said("Why it is so, where there is something to say.")),
    hostname: said("Where its ingress rules lead from."),
    image: maybe(t.String()),
    address: maybe(t.String()),
    ports: maybe(t.Record(t.String(), integer())),
    memory_mb: integer(),
    storage_gb: integer(),
    instance_type: t.String(),
    pull_policy: t.String(),
    env: maybe(t.Record(t.String(), t.String())),
    command: maybe(t.Array(t.String())),
    restart_policy: maybe(t.String()),
    restarts: maybe(integer()),
    pids_limit: maybe(integer()),
    mount_paths: maybe(t.Array(t.String())),
    memory_used_mb: maybe(integer({ description: "As of the last look." })),
    storage_used_gb: maybe(number({ description: "One decimal, cut off." })),
    created_at: moment(),
    ssh_enabled: boolean(),
    https_enabled: boolean(),
  }),
)

export const compute: Operations = {
  "GET /compute/containers": {
    summary: "List one's containers",
    text: "Newest first.",
    good: json(t.Object({ containers: t.Array(container) })),
  },
  "POST /compute/containers": {
    summary: "Make a container",
    text: "From an image; it is `pending` until the engine has it. An administrator may register an application outside any engine by its address instead.",
    body: t.Union([newContainer, newExternal]),
    good: json(container),
    errors: {
      400: "Names the field and its rule, or `container limit reached`.",
      403: "No administrator, for an external one; or the scope is missing.",
      ...unreachable,
    },
  },
  "GET /compute/containers/:id": { summary: "A container", text: "As the engine has it now.", good: json(container), errors: gone },
  "DELETE /compute/containers/:id": {
    summary: "Delete a container",
    text: "Everything that it kept goes with it.",
    good: json(done),
    errors: { ...gone, ...unreachable },
  },
  "POST /compute/containers/:id/start": { summary: "Start a container", good: json(container), errors: { ...gone, ...engineSaid } },
  "POST /compute/containers/:id/stop": { summary: "Stop a container", good: json(container), errors: { ...gone, ...engineSaid } },
  "POST /compute/containers/:id/rebuild": {
    summary: "Make a container anew",
    text: "With what changes, or as it is from a newer image. Where nothing is mounted the new one answers before the old one ends. It fails without harm: the old one goes on.",
    body: t.Object({ ...definition, image: maybe(definition.image) }),
    isBodyOptional: true,
    good: json(container),
    errors: { ...gone, 400: "Names the field and its rule, or it is an external container.", 409: "It was adopted.", ...engineSaid },
  },
  "POST /compute/containers/:id/release": {
    summary: "Give an adopted container back",
    text: "It is forgotten and goes on as it is; its ingress rules and SSH switch go.",
    body: t.Object({ delete_mappings: maybe(boolean({ default: false, description: "Unmap the hostnames that lead to it." })) }),
    isBodyOptional: true,
    good: json(done),
    errors: { ...gone, 409: "Freehold made it, or hostnames lead to it, which are named." },
  },
  "PUT /compute/containers/:id/pull-policy": {
    summary: "When a container's image is fetched again",
    body: t.Object({ pull_policy: oneOf(["Always", "IfNotPresent"]) }),
    good: json(t.Object({ pull_policy: t.String() })),
    errors: { ...gone, 400: "`invalid pull_policy: must be 'Always' or 'IfNotPresent'`, or it is an external container." },
  },
  "GET /compute/containers/:id/mounts": {
    summary: "What a container keeps",
    good: json(t.Object({ mount_paths: t.Array(t.String()) })),
    errors: gone,
  },
  "PUT /compute/containers/:id/mounts": {
    summary: "Change what a container keeps",
    text: "It is made anew. A path that is mounted no longer keeps its volume until that is deleted.",
    body: t.Object({ mount_paths: t.Array(t.String(), { minItems: 1, maxItems: 16, description: "Absolute paths." }) }),
    good: json(t.Object({ mount_paths: t.Array(t.String()), restarted: boolean() })),
    errors: { ...gone, 400: "`at least one mount path is required`, `mount paths must be absolute (start with /)`.", ...engineSaid },
  },
  "GET /compute/containers/:id/volumes": {
    summary: "List a container's volumes",
    good: json(
      t.Object({
        volumes: t.Array(t.Object({ id: t.String(), path: t.String(), mounted: boolean(), created_at: moment() })),
      }),
    ),
    errors: gone,
  },
  "DELETE /compute/containers/:id/volumes/:volume": {
    summary: "Delete a volume that is mounted no longer",
    params: { volume: "Id of the volume." },
    good: json(done),
    errors: { 404: "`volume not found`, or no such container of yours.", 409: "Its path is mounted.", ...unreachable },
  },
  "GET /compute/containers/:id/stats": {
    summary: "What a container used in the last hour",
    good: json(
      t.Object({
        interval_seconds: number(),
        samples: t.Array(
          t.Object({
            time: moment(),
            cpu_percent: t.Union([number(), t.Null()], { description: "100 is one processor." }),
            memory_bytes: t.Union([integer(), t.Null()]),
            received_bytes_per_second: t.Union([number(), t.Null()]),
            sent_bytes_per_second: t.Union([number(), t.Null()]),
            processes: t.Union([integer(), t.Null()]),
          }),
          { description: "Null is what the host does not count." },
        ),
      }),
    ),
    errors: gone,
  },
}
