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

const restored = t.Object({
  status: t.Literal("ok"),
  name: t.String(),
  namespace: t.String(),
  size: integer(),
  etag: t.String(),
  content_type: t.String(),
  version_id: said("Of what is the newest version now."),
})

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

const sourceConditions = t.Object({
  "if-match": maybe(said("An ETag: only while this is what is moved. Of one file alone.")),
})
const version = { version_id: maybe(said("Of an older version, for the owner alone; without it the file as it is now.")) }

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
    text: 'Newest first, for the owner of the namespace. `Link: <…>; rel="next"` leads on where there are more. Each is read and deleted as the file is, with `version_id` in the query.',
    query: t.Object({
      ...byName,
      limit: maybe(integer({ minimum: 1, maximum: 1000, default: 100 })),
      after: maybe(said("The version behind which it begins.")),
    }),
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
    errors: {
      400: "`limit` is not as above, or there is no name.",
      404: "`file not found: <name>`, `version not found: …`, or no such namespace of yours.",
    },
  },
  "POST /storage/files/restore": {
    summary: "Make an older version of a file the newest again",
    text: "As a copy of it, without moving bytes: the versions between stay. It counts towards quotas once more. The newest version stays as it is.",
    headers: conditions,
    body: t.Object({ namespace: maybe(t.String({ default: "default" })), name: said("Of the file."), version_id: t.String() }),
    good: json(restored),
    errors: {
      400: "Names the field and its rule.",
      404: "`version not found: …`, a version that marks a deletion, or no such namespace of yours.",
      409: "The version went meanwhile.",
      412: "A condition of the head does not hold.",
      507: "No room, and why.",
    },
  },
  "POST /storage/files/move": {
    summary: "Rename or move a file or a folder",
    text: "A name that ends with a slash is that of a folder, and so is `to_name` then; a folder moves into what is there already. Up to 1000 files are moved whole or not at all; of more, the first 1000 by name go, the status is `partial`, and the same request goes on. What is in the way is found before the first of them. Needs `read` and `delete` there and `create` where it goes. Where versions are kept, the old name keeps those that it had, behind a delete marker, and the new name gets one; signed links do not go along.",
    headers: sourceConditions,
    body: t.Object({
      namespace: maybe(t.String({ default: "default" })),
      name: said("Of the file; of a folder with a slash at its end."),
      to_namespace: maybe(said("Of the same owner; where it is unless said.")),
      to_name: said("The new name, whole; of a folder with a slash at its end, or empty for the top of the namespace."),
      overwrite: maybe(t.Boolean({ default: false })),
    }),
    good: json(
      t.Object({
        status: t.Union([t.Literal("ok"), t.Literal("partial")]),
        namespace: t.String(),
        name: t.String(),
        moved: integer(),
        bytes: integer(),
        remaining: integer({ description: "Files that the same request goes on with." }),
      }),
    ),
    errors: {
      400: "Names the field and its rule.",
      404: "`file not found: …`, or no such namespace of yours.",
      409: "`file already exists: <name>`: nothing was moved.",
      412: "The condition of the head does not hold.",
      507: "A quota of where it goes.",
    },
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
    query: t.Object({ ...byName, ...version }),
    headers: reading,
    good: bytes("The bytes."),
    errors: readErrors,
  },
  "DELETE /storage/delete": {
    summary: "Delete a file named in the query",
    text: stock,
    query: t.Object({ ...byName, ...version }),
    good: json(deleted),
    errors: deleteErrors,
  },
  "GET /storage/download/:namespace/*": {
    summary: "A file to be saved",
    params: place,
    query: t.Object(version),
    headers: reading,
    good: bytes("The bytes."),
    errors: readErrors,
  },
  "GET /storage/:namespace/*": {
    summary: "A file to be shown",
    text: `${isPublic} A signed link (\`POST /storage/links\`) opens it too.`,
    params: place,
    query: t.Object(version),
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
    text: "With `version_id` that version, for good; was it the newest, the one before it is that then.",
    params: place,
    query: t.Object(version),
    headers: conditions,
    good: json(deleted),
    errors: deleteErrors,
  },
}
