import { t } from "elysia"
import { scopes } from "./accounts"
import {
  anything,
  boolean,
  done,
  empty,
  integer,
  json,
  maybe,
  named,
  oneOf,
  type Operations,
  orNull,
  said,
  seconds,
  text,
} from "./operation"

const visibility = maybe(
  t.Unsafe<string | number>({
    enum: [0, 1, 2, "private", "public"],
    description: "0 or `private`; 1, 2 or `public`: whoever knows it may read and list.",
  }),
)
const hidden = maybe(boolean({ description: "As older clients say `visibility`." }))
const quota = t.Union([integer({ minimum: 0 }), t.Null()], { description: "The most bytes; null takes the bound away." })
const gone = { 404: "`namespace does not exist`, also for what is another's." }

const namespace = named(
  "Namespace",
  t.Object({
    name: t.String(),
    count: integer(),
    hidden: boolean(),
    visibility: t.Unsafe<number>({ type: "integer", enum: [0, 1], description: "1: whoever knows it may read and list." }),
    owner_id: t.String(),
    bytes: integer(),
    quota_bytes: orNull(integer()),
    versioning: oneOf(["off", "enabled", "suspended"]),
  }),
)

const change = {
  visibility,
  hidden,
  quota_bytes: maybe(quota),
  versioning: maybe(oneOf(["enabled", "suspended"], { description: "Once it was on it can only be suspended." })),
}

export const usage = named(
  "StorageUsage",
  t.Object({
    user_id: t.String(),
    used_bytes: integer(),
    quota_bytes: orNull(integer()),
    namespaces: integer(),
    objects: integer(),
  }),
)

const key = named(
  "StorageKey",
  t.Object({
    id: t.String(),
    name: t.String(),
    scopes: orNull(scopes),
    created_at: seconds(),
    last_used_at: seconds("Unix seconds, 0 for never."),
    secret: maybe(said("In the answer to its making and nowhere else.")),
  }),
)

const deleted = t.Object({ status: t.Literal("ok"), name: t.String(), objects: integer(), bytes: integer() })
const confirm = maybe(said("The name, or the digest of the preview: then only what was seen goes."))
const changedMeanwhile = { 409: "`confirm` is the digest of something else by now." }
const names = { name: "Of the namespace." }
const stock = "As older clients ask it."

export const storage: Operations = {
  "GET /storage/namespaces": { summary: "List one's namespaces", good: json(t.Array(namespace)) },
  "POST /storage/namespaces": {
    summary: "Make a namespace",
    body: t.Object({ name: said("The server's once: 1 to 63 letters, digits, dots, dashes and underscores."), visibility, hidden }),
    good: json(namespace),
    errors: { 400: "Names the field and its rule.", 409: "`namespace already exists`, or 1000 of one person." },
  },
  "PATCH /storage/namespaces": {
    summary: "Change a namespace named in the query",
    text: stock,
    query: t.Object({ name: maybe(said("Of the namespace; or in the body.")) }),
    body: t.Object({ name: maybe(t.String()), ...change }),
    good: json(namespace),
    errors: { ...gone, 400: "Names the field and its rule, or nothing is to be changed." },
  },
  "DELETE /storage/namespaces": {
    summary: "Delete a namespace named in the query",
    text: stock,
    query: t.Object({ name: maybe(said("Of the namespace; or in the body.")), confirm }),
    good: json(deleted),
    errors: { ...gone, ...changedMeanwhile },
  },
  "GET /storage/namespaces/:name": { summary: "A namespace", params: names, good: json(namespace), errors: gone },
  "PUT /storage/namespaces/:name": {
    summary: "Change a namespace",
    params: names,
    body: t.Object(change, { minProperties: 1 }),
    good: json(namespace),
    errors: { ...gone, 400: "Names the field and its rule, or nothing is to be changed." },
  },
  "GET /storage/namespaces/:name/deletion": {
    summary: "What a deletion would take",
    params: names,
    good: json(
      t.Object({
        name: t.String(),
        objects: integer(),
        bytes: integer(),
        first_names: t.Array(t.String()),
        digest: said("Confirms that exactly this was seen."),
      }),
    ),
    errors: gone,
  },
  "DELETE /storage/namespaces/:name": {
    summary: "Delete a namespace",
    text: "With all that is in it.",
    params: names,
    query: t.Object({ confirm }),
    good: json(deleted),
    errors: { ...gone, ...changedMeanwhile },
  },
  "POST /storage/links": {
    summary: "Make a link to a file",
    text: "It opens the file without a token until it ends. It cannot be taken back one by one.",
    body: t.Object({
      namespace: maybe(t.String({ default: "default" })),
      name: t.String(),
      expires_in: maybe(integer({ minimum: 1, maximum: 604_800, default: 3600, description: "Seconds." })),
      disposition: maybe(oneOf(["inline", "attachment"], { default: "inline" })),
    }),
    good: json(t.Object({ url: said("Below the API's own address."), expires_at: seconds() })),
    errors: { 400: "Names the field and its rule.", 404: "`file not found: <name>`, or no such namespace of yours." },
  },
  "GET /storage/usage": { summary: "What one uses", good: json(usage) },
  "GET /storage/keys": { summary: "List one's S3 access keys", good: json(t.Array(key)) },
  "POST /storage/keys": {
    summary: "Make an S3 access key",
    text: "The secret is in this answer and nowhere else.",
    body: t.Object({ name: said("1 to 64 characters.", { minLength: 1, maxLength: 64 }), scopes: maybe(orNull(scopes)) }),
    good: json(key),
    errors: {
      400: "Names the field and its rule; a key takes scopes of storage only.",
      409: "`no more than 100 storage keys of one person`.",
    },
  },
  "DELETE /storage/keys/:id": {
    summary: "Delete an S3 access key",
    text: "It ends at once.",
    good: json(done),
    errors: { 404: "`no such storage key`." },
  },
  "GET /storage/status": {
    summary: "Whether the storage is there",
    text: "For sessions also what it holds, and how whole that is.",
    good: json(
      t.Object({
        chunkserver_count: integer(),
        total_servers: integer(),
        capacity_bytes: maybe(integer()),
        free_bytes: maybe(integer()),
        used_bytes: maybe(integer()),
        objects: maybe(integer()),
        namespaces: maybe(integer()),
        floor_bytes: maybe(integer({ description: "Below which nothing more is taken." })),
        last_scrub: maybe(orNull(anything("When everything was last read again, and what was found."))),
        faults: maybe(integer()),
        s3_endpoint: maybe(said("Where S3 clients find the namespaces.")),
      }),
    ),
  },
  "GET /sse/progress": {
    summary: "How far an upload or download is, at another address",
    text: stock,
    query: t.Object({ id: said("As the transfer was given it.") }),
    good: text("Server-sent events.", "text/event-stream"),
    errors: { 400: "`missing id parameter`.", 429: "Too many of one person." },
  },
  "GET /storage/progress": {
    summary: "How far an upload or download is",
    text: "Server-sent events `{id,direction,bytes,total,done[,error]}` of one's own transfer with the same `id` (or `X-Transfer-Id`), until it is done.",
    query: t.Object({ id: said("As the transfer was given it.") }),
    good: text("Server-sent events.", "text/event-stream"),
    errors: { 400: "`missing id parameter`.", 429: "Too many of one person." },
  },
}

const tus = t.Object({ "tus-resumable": oneOf(["1.0.0"]) })

export const uploads: Operations = {
  "POST /storage/uploads": {
    summary: "Begin an upload that can go on later",
    text: "By the protocol tus 1.0.0, with creation-with-upload, expiration and termination.",
    headers: t.Composite([
      tus,
      t.Object({
        "upload-length": said("Bytes of the whole file."),
        "upload-metadata": said("As tus has it: `namespace`, `filename`, `filetype`, `overwrite`, their values in base64."),
      }),
    ]),
    good: empty(201, "Begun; `Location` says where it goes on, `Upload-Offset` how much is here."),
    errors: {
      400: "A field of the head is missing or wrong.",
      404: "No such namespace of yours.",
      412: "`Tus-Resumable must be 1.0.0`.",
      413: "Too large.",
      507: "No room, and why.",
    },
  },
  "GET /storage/uploads/:id": {
    summary: "How much of an upload is here",
    text: "tus asks by `HEAD`, which this answers too.",
    headers: tus,
    good: empty(200, "`Upload-Offset` and `Upload-Length` say it."),
    errors: { 404: "No such upload of yours.", 412: "`Tus-Resumable must be 1.0.0`." },
  },
  "PATCH /storage/uploads/:id": {
    summary: "Go on with an upload",
    headers: t.Composite([tus, t.Object({ "upload-offset": said("How much is here already.") })]),
    body: t.Unsafe<string>({ type: "string", format: "binary" }),
    bodyType: "application/offset+octet-stream",
    good: empty(204, "Taken; `Upload-Offset` says how much is here."),
    errors: {
      404: "No such upload of yours.",
      409: "`Upload-Offset` is not how much is here, or a file stands there already.",
      412: "`Tus-Resumable must be 1.0.0`.",
      413: "More than was announced.",
      415: "`Content-Type must be application/offset+octet-stream`.",
      423: "It is being gone on with elsewhere.",
      507: "No room, and why.",
    },
  },
  "DELETE /storage/uploads/:id": {
    summary: "End an upload",
    headers: tus,
    good: empty(),
    errors: { 404: "No such upload of yours.", 412: "`Tus-Resumable must be 1.0.0`." },
  },
}
