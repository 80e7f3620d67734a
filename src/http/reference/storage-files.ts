import { t } from "elysia"
import { boolean, bytes, integer, json, maybe, named, type Operations, orNull, said, seconds } from "./operation"

const file = named(
  "File",
  t.Object({
    name: t.String(),
    path: t.String(),
    namespace: t.String(),
    size: integer(),
    created_at: seconds(),
    modified_at: seconds(),
    etag: t.String(),
    content_type: t.String(),
  }),
)

const folder = named("Folder", t.Object({ name: t.String(), path: t.String(), namespace: t.String(), is_folder: t.Literal(true) }))

const written = named(
  "WrittenFile",
  t.Object({
    status: t.Literal("ok"),
    name: t.String(),
    namespace: t.String(),
    size: integer(),
    etag: t.String(),
    content_type: t.String(),
  }),
)

const deleted = t.Object({ status: t.Literal("ok"), name: t.String(), namespace: t.String() })

const raw = t.Unsafe<string>({ type: "string", format: "binary" })
const form = t.Object({ file: raw })

const place = { namespace: "Its name.", name: "Of the file; it may have slashes." }
const byName = { namespace: maybe(t.String({ default: "default" })), name: said("Of the file.") }
const transfer = { id: maybe(said("For `GET /storage/progress`.")) }
const conditions = t.Object({
  "if-match": maybe(said("An ETag: only while this stands there.")),
  "if-none-match": maybe(said("`*`: only where nothing stands there.")),
})
const reading = t.Object({
  range: maybe(said("A part of it, such as `bytes=0-1023`.")),
  "if-none-match": maybe(said("An ETag: 304 while it is the same.")),
})

const writeErrors = {
  400: "The name, the form or a field of the head is not as above.",
  404: "No such namespace of yours.",
  409: "`file already exists: <name>`.",
  412: "A condition of the head does not hold.",
  507: "No room, and why.",
}
const readErrors = {
  304: "It is what `If-None-Match` names.",
  404: "`file not found: <name>`, or no such namespace that you may read.",
  412: "A condition of the head does not hold.",
  416: "`Range` is not within the file.",
}
const deleteErrors = { 404: "`file not found: <name>`, or no such namespace of yours.", 412: "A condition of the head does not hold." }
const stock = "As older clients ask it."
const isPublic =
  "A file of a public namespace is for everybody, without a token too; on a GET the token may stand in the address as `?token=`."

export const storageFiles: Operations = {
  "GET /storage/files": {
    summary: "List files",
    text: `By name; all of them unless \`limit\` is given, and then \`Link: <…>; rel="next"\` leads on. ${isPublic}`,
    query: t.Object({
      namespace: maybe(t.String({ default: "default" })),
      prefix: maybe(t.String()),
      delimiter: maybe(said("Such as `/`: what lies behind it is rolled up as folders.")),
      after: maybe(said("The name behind which it begins.")),
      limit: maybe(integer({ minimum: 1, maximum: 1000 })),
    }),
    good: json(t.Array(t.Union([file, folder]))),
    errors: { 400: "`limit` is not as above.", 404: "No such namespace that you may read." },
  },
  "GET /storage/files/versions": {
    summary: "List the versions of a file",
    text: "Newest first, for the owner of the namespace.",
    query: t.Object({ ...byName, limit: maybe(integer({ minimum: 1, maximum: 1000, default: 100 })) }),
    good: json(
      t.Array(
        t.Object({
          version_id: said("`null`, as text, for what was written without versioning."),
          is_latest: boolean(),
          is_delete_marker: boolean(),
          size: integer(),
          created_at: seconds(),
          etag: t.String(),
          content_type: t.String(),
          sha256: orNull(said("Null for what came in several parts.")),
        }),
      ),
    ),
    errors: { 400: "`limit` is not as above, or there is no name.", 404: "`file not found: <name>`, or no such namespace of yours." },
  },
  "POST /storage/upload": {
    summary: "Upload a file by a form",
    text: "The first part `file` is stored under its file name.",
    query: t.Object({
      namespace: maybe(t.String({ default: "default" })),
      overwrite: maybe(said("`true` replaces what is there.")),
      ...transfer,
    }),
    body: form,
    bodyType: "multipart/form-data",
    good: json(written),
    errors: { ...writeErrors, 400: "`invalid multipart upload`, `missing file`, `filename required`, `invalid filename…`." },
  },
  "GET /storage/download": {
    summary: "A file to be saved, named in the query",
    text: stock,
    query: t.Object(byName),
    headers: reading,
    good: bytes("The bytes."),
    errors: readErrors,
  },
  "DELETE /storage/delete": {
    summary: "Delete a file named in the query",
    text: stock,
    query: t.Object(byName),
    good: json(deleted),
    errors: deleteErrors,
  },
  "GET /storage/download/:namespace/*": {
    summary: "A file to be saved",
    params: place,
    headers: reading,
    good: bytes("The bytes."),
    errors: readErrors,
  },
  "GET /storage/:namespace/*": {
    summary: "A file to be shown",
    text: `${isPublic} A signed link (\`POST /storage/links\`) opens it too.`,
    params: place,
    headers: reading,
    good: bytes("The bytes."),
    errors: readErrors,
  },
  "POST /storage/:namespace/*": {
    summary: "Write a file that is not there yet",
    text: "The body is the file, or a form with a part `file`.",
    params: place,
    query: t.Object({ overwrite: maybe(said("`true` replaces what is there.")), ...transfer }),
    headers: conditions,
    body: raw,
    bodyType: "application/octet-stream",
    good: json(written),
    errors: writeErrors,
  },
  "PUT /storage/:namespace/*": {
    summary: "Write a file",
    text: "The body is the file. It replaces what is there.",
    params: place,
    query: t.Object({ overwrite: maybe(said("`false`: only where nothing is there.")), ...transfer }),
    headers: conditions,
    body: raw,
    bodyType: "application/octet-stream",
    good: json(written),
    errors: writeErrors,
  },
  "DELETE /storage/:namespace/*": {
    summary: "Delete a file",
    params: place,
    headers: conditions,
    good: json(deleted),
    errors: deleteErrors,
  },
}
