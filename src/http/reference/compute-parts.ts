import { t } from "elysia"
import { container, gone, rule } from "./compute"
import {
  anything,
  boolean,
  done,
  integer,
  json,
  maybe,
  moment,
  named,
  number,
  oneOf,
  type Operations,
  said,
  seconds,
  text,
} from "./operation"

const ingressRule = named(
  "IngressRule",
  t.Object({
    id: integer(),
    port: integer(),
    target_port: integer(),
    created_at: seconds(),
    problem: maybe(said("Why the edge cannot listen at the port.")),
  }),
)

const sshKey = named(
  "SshKey",
  t.Object({
    id: integer(),
    name: t.String(),
    public_key: t.String(),
    fingerprint: t.String(),
    created_at: moment(),
  }),
)

const ssh = t.Object({ ssh_enabled: boolean(), ssh_command: maybe(said("What to type, where it is open.")) })

const registry = named("Registry", t.Object({ id: t.String(), registry: t.String(), username: t.String(), created_at: moment() }))

const instanceType = named("InstanceType", t.Object({ name: t.String(), cpus: number(), pids: integer() }))

const noEngine = { 503: "There is no container engine, or it does not answer." }
const typeName = { name: "At most 32 lower-case letters, digits and dashes." }

export const computeParts: Operations = {
  "GET /compute/containers/:id/ingress": {
    summary: "List a container's ingress rules",
    text: "By port. They open `<id>.compute.<base>` to the world.",
    good: json(t.Object({ rules: t.Array(ingressRule) })),
    errors: gone,
  },
  "POST /compute/containers/:id/ingress": {
    summary: "Open a port of a container",
    text: "One for the same port is changed and keeps its id. It is live when this is answered.",
    body: t.Object(rule),
    good: json(ingressRule),
    errors: { ...gone, 400: "`external port not allowed`, `target port must be between 1 and 65535`." },
  },
  "DELETE /compute/containers/:id/ingress/:port": {
    summary: "Close a port of a container",
    text: "Answers alike where there is no rule.",
    params: { port: "80, 443 or 8000 to 8999." },
    good: json(done),
    errors: { ...gone, 400: "`invalid port`." },
  },
  "GET /compute/containers/:id/ssh": { summary: "Whether a container takes SSH", good: json(ssh), errors: gone },
  "PUT /compute/containers/:id/ssh": {
    summary: "Open or close a container for SSH",
    body: t.Object({ ssh_enabled: maybe(boolean({ description: "A missing field closes it." })) }),
    good: json(ssh),
    errors: { ...gone, 400: "It is an external container." },
  },
  "GET /compute/containers/:id/logs": {
    summary: "What a container writes",
    text: "Lines of text, each with its time before it; as a WebSocket a text frame for each line, which follows until the container ends. The engine keeps the last 10 MB.",
    isSocket: true,
    query: t.Object({
      tail: maybe(integer({ minimum: 0, maximum: 10_000, default: 100, description: "How many of the last lines." })),
      follow: maybe(said("`true`: go on with what comes.", { default: "false" })),
      since: maybe(said("ISO 8601 or Unix milliseconds.")),
    }),
    good: text("The lines."),
    errors: {
      ...gone,
      400: "`container not running`, or which part of the query is wrong.",
      429: "More than 20 streams of one person.",
      ...noEngine,
    },
  },
  "GET /compute/containers/:id/terminal": {
    summary: "Run a command in a container",
    text: 'A WebSocket. What the command says comes in binary frames, and every frame to the server is input, but for the text frame `{"type":"resize","columns":120,"rows":40}`. It ends with 1000 and the reason `exit code N`. docs/API.md has the subprotocol `freehold.exec.v1`, which keeps standard error apart.',
    isSocket: true,
    query: t.Object({
      command: maybe(said("Once for each argument; a login shell where it is left out.")),
      tty: maybe(said("With a terminal of type xterm-256color.", { default: "true" })),
      columns: maybe(integer({ default: 80 })),
      rows: maybe(integer({ default: 24 })),
      user: maybe(said("Name or number inside.", { default: "0" })),
    }),
    good: { status: 101, says: "The socket is open." },
    errors: {
      ...gone,
      400: "Which part of the query is wrong, or the container does not run or is an external one.",
      426: "Asked for without opening a WebSocket.",
      429: "More than 32 terminals of one person.",
      ...noEngine,
    },
  },
  "GET /compute/ws": {
    summary: "Hear how one's containers stand",
    text: 'A WebSocket. The first text frame is `{"type":"containers","data":[container]}`; each change after it `{"type":"container_status","data":{…}}`.',
    isSocket: true,
    good: { status: 101, says: "The socket is open." },
    errors: { 426: "Asked for without opening a WebSocket.", 429: "More than 250 status sockets of one person." },
  },
  "POST /compute/tickets": {
    summary: "Make a ticket for a WebSocket",
    text: "For browsers, which set no header for one: `wss://…<path>?ticket=…` opens that path once within 30 seconds.",
    body: t.Object({ path: said("Of a WebSocket, such as `/compute/ws`.") }),
    good: json(t.Object({ ticket: t.String(), expires_in: integer() })),
    errors: { 400: "`path must be that of a WebSocket, such as /compute/ws`." },
  },
  "GET /compute/ssh-keys": { summary: "List one's SSH keys", good: json(t.Object({ ssh_keys: t.Array(sshKey) })) },
  "POST /compute/ssh-keys": {
    summary: "Add an SSH key",
    text: "It opens every container of yours that takes SSH.",
    body: t.Object({ name: said("Its name."), public_key: said("As in `authorized_keys`.") }),
    good: json(sshKey),
    errors: {
      400: "`name is required`, `public_key is required`, `invalid SSH public key format: …`, `SSH key limit reached (10)`.",
      409: "The key is there already.",
    },
  },
  "DELETE /compute/ssh-keys/:id": {
    summary: "Delete an SSH key",
    text: "Logins that it made end within seconds.",
    good: json(done),
    errors: { 400: "`invalid id`.", 404: "`SSH key not found`." },
  },
  "GET /compute/engine": {
    summary: "Whether the container engine is there",
    good: json(t.Object({ state: oneOf(["ready", "none", "away"]), detail: maybe(said("Why it is not.")) })),
  },
  "GET /compute/images": {
    summary: "List the images that this machine has",
    good: json(t.Array(t.Object({ name: t.String(), image: t.String(), source: t.String(), size_bytes: integer() }))),
    errors: noEngine,
  },
  "GET /compute/registries": { summary: "List one's private registries", good: json(t.Object({ registries: t.Array(registry) })) },
  "POST /compute/registries": {
    summary: "Keep the credentials of a private registry",
    text: "Sealed; no answer shows the password.",
    body: t.Object({
      registry: said("A host such as `ghcr.io` or `registry.lan:5000`."),
      username: said("At most 256 characters.", { minLength: 1, maxLength: 256 }),
      password: said("At most 4096 characters.", { minLength: 1, maxLength: 4096 }),
    }),
    good: json(registry),
    errors: { 400: "Names the field and its rule.", 409: "There are credentials for it already, or twenty registries." },
  },
  "DELETE /compute/registries/:id": { summary: "Forget a private registry", good: json(done), errors: { 404: "`registry not found`." } },
  "GET /compute/instance-types": { summary: "List the instance types", good: json(t.Object({ instance_types: t.Array(instanceType) })) },
  "PUT /compute/instance-types/:name": {
    summary: "Make or change an instance type",
    text: "Holds for a container from the next time that it is made.",
    params: typeName,
    body: t.Object({
      cpus: number({ minimum: 0.01, maximum: 1024 }),
      pids: maybe(integer({ minimum: 8, maximum: 32_768, default: 1024, description: "The most processes." })),
    }),
    good: json(instanceType),
    errors: { 400: "Names the field and its rule.", 409: "There are too many of them." },
  },
  "DELETE /compute/instance-types/:name": {
    summary: "Delete an instance type",
    params: typeName,
    good: json(done),
    errors: { 404: "`instance type not found`.", 409: "A container has it, or it is the last one." },
  },
  "GET /compute/admin/containers": {
    summary: "List everybody's containers",
    good: json(
      t.Array(anything("`id`, `name`, `user_id`, `owner`, `kind`, `status`, `hostname`, `image`, `external_ip`, `created_at` and more.")),
    ),
  },
  "GET /compute/admin/foreign-containers": {
    summary: "List the engine's other containers",
    text: "Those that could be adopted.",
    good: json(
      t.Object({
        containers: t.Array(
          t.Object({ engine_id: t.String(), name: t.String(), image: t.String(), state: t.String(), created_at: seconds() }),
        ),
      }),
    ),
    errors: noEngine,
  },
  "POST /compute/admin/adopt": {
    summary: "Adopt a container of the engine",
    text: "As it runs; it belongs to who adopts it.",
    body: t.Object({ engine_id: t.String(), name: said("1 to 64 characters.", { minLength: 1, maxLength: 64 }) }),
    good: json(container),
    errors: {
      400: "Names the field and its rule.",
      404: "`the engine has no such container`.",
      409: "`the container is Freehold's already`.",
      ...noEngine,
    },
  },
}
