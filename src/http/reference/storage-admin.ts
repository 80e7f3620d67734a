import { t } from "elysia"
import { anything, done, integer, json, maybe, type Operations, orNull, said } from "./operation"
import { usage } from "./storage"

const stock = "As older clients ask it."
const listing = t.Object({
  after: maybe(said("The name behind which it begins.")),
  limit: maybe(integer({ minimum: 1, maximum: 1000 })),
  prefix: maybe(t.String()),
})

export const storageAdmin: Operations = {
  "GET /storage/admin/namespaces": {
    summary: "List everybody's namespaces",
    query: listing,
    good: json(t.Array(anything("A namespace, with its owner."))),
  },
  "GET /storage/admin/files": {
    summary: "List everybody's files",
    query: listing,
    good: json(t.Array(anything("A file; its place is `<namespace>/<name>`."))),
  },
  "GET /admin/namespaces": {
    summary: "List everybody's namespaces, at another address",
    text: stock,
    query: listing,
    good: json(t.Array(anything("A namespace, with its owner."))),
  },
  "GET /admin/files": {
    summary: "List everybody's files, at another address",
    text: stock,
    query: listing,
    good: json(t.Array(anything("A file; its place is `<namespace>/<name>`."))),
  },
  "GET /storage/admin/quotas": {
    summary: "What everybody uses and may use",
    text: "By user name.",
    good: json(
      t.Array(
        t.Composite([
          usage,
          t.Object({ username: t.String(), own_quota_bytes: orNull(integer({ description: "Null where the setting's quota holds." })) }),
        ]),
      ),
    ),
  },
  "GET /storage/admin/quotas/:person": {
    summary: "What a person uses and may use",
    params: { person: "Id of the person." },
    good: json(usage),
    errors: { 404: "`user not found`." },
  },
  "PUT /storage/admin/quotas/:person": {
    summary: "Change what a person may use",
    params: { person: "Id of the person." },
    body: t.Object({ quota_bytes: t.Union([integer({ minimum: 0 }), t.Null()], { description: "Null for the setting's quota." }) }),
    good: json(usage),
    errors: { 400: "Names the field and its rule.", 404: "`user not found`." },
  },
  "GET /storage/admin/faults": {
    summary: "List bytes that are damaged or missing",
    good: json(t.Array(anything("With the objects that they are of."))),
  },
  "POST /storage/admin/scrub": { summary: "Read all of the storage again soon", good: json(done) },
}
