import { afterAll, beforeAll, expect, test } from "bun:test"
import { ApiHouse } from "./api.fixture"

/*
 * Who × whose namespace × visibility × route × with what token, against the tables below, which are written and computed from nothing else. `ann` is the
 * owner of four namespaces: `my` and `my.data`, private, and `shown`, public; `bob` is another person, `ada` an administrator, and `dan` is disabled and has
 * his own.
 */

/** What becomes of a request: `ok` for an answer of the route's own, or the status of the refusal. */
type Outcome = "ok" | 401 | 403 | 404
/** In the order of the columns: own private, own public, another's private, another's public, absent. */
type Row = [ownPrivate: Outcome, ownPublic: Outcome, othersPrivate: Outcome, othersPublic: Outcome, absent: Outcome]

type Kind = "read" | "write" | "remove" | "link" | "see" | "change" | "deletion"

const places = ["ownPrivate", "ownPublic", "othersPrivate", "othersPublic", "absent"] as const

/** Routes that have a namespace in them, by what they do with it; `$` is the namespace. */
const routes: Record<Kind, string[]> = {
  read: [
    "GET /storage/files?namespace=$",
    "GET /storage/$/f",
    "HEAD /storage/$/f",
    "GET /storage/download/$/f",
    "HEAD /storage/download/$/f",
    "GET /storage/download?namespace=$&name=f",
    "HEAD /storage/download?namespace=$&name=f",
  ],
  write: [
    "PUT /storage/$/new",
    "POST /storage/$/new?overwrite=true",
    "POST /storage/upload?namespace=$&overwrite=true",
    "POST /storage/uploads $",
  ],
  remove: ["DELETE /storage/$/none", "DELETE /storage/delete?namespace=$&name=none"],
  link: ["POST /storage/links $", "GET /storage/files/versions?namespace=$&name=f"],
  see: ["GET /storage/namespaces/$"],
  change: ["PUT /storage/namespaces/$", "PATCH /storage/namespaces?name=$"],
  deletion: [
    "GET /storage/namespaces/$/deletion",
    "DELETE /storage/namespaces/$?confirm=nothing",
    "DELETE /storage/namespaces?name=$&confirm=nothing",
  ],
}

const whole: Row = ["ok", "ok", 404, 403, 404]
const reads: Row = ["ok", "ok", 404, "ok", 404]
const nobody: Row = [401, 401, 401, 401, 401]
const nobodyReads: Row = [401, "ok", 401, "ok", 401]
/** No scope for it: what is public is read all the same, and nothing says whether a namespace is there. */
const without: Row = [403, 403, 403, 403, 403]
const withoutReads: Row = [403, "ok", 403, "ok", 403]

type Table = Record<Kind, Row>
const everything: Table = { read: reads, write: whole, remove: whole, link: whole, see: whole, change: whole, deletion: whole }
const nothing: Table = {
  read: withoutReads,
  write: without,
  remove: without,
  link: without,
  see: without,
  change: without,
  deletion: without,
}
const anonymous: Table = { read: nobodyReads, write: nobody, remove: nobody, link: nobody, see: nobody, change: nobody, deletion: nobody }
/** Grants on namespaces by name: the person's own private one, which is called `my`, and no other. */
const mine = (kind: "files" | "namespaces"): Table => {
  const only: Row = ["ok", 403, 403, 403, 403]
  const onlyReads: Row = ["ok", "ok", 403, "ok", 403]
  return kind === "files"
    ? { ...nothing, read: onlyReads, write: only, remove: only, link: only }
    : { ...nothing, see: only, change: only, deletion: only }
}

const all = ["create", "read", "update", "delete"]
const inFiles = ["create", "read", "delete"]

/** Tokens of API and service accounts by their scopes, and what each is let do. */
const scoped: [name: string, scopes: Record<string, string[]>, table: Table][] = [
  ["the root", { storage: all }, everything],
  ["the root, to read", { storage: ["read"] }, { ...nothing, read: reads, link: whole, see: whole }],
  ["the root, to create", { storage: ["create"] }, { ...nothing, write: whole }],
  ["the root, to update", { storage: ["update"] }, { ...nothing, change: whole }],
  ["the root, to delete", { storage: ["delete"] }, { ...nothing, remove: whole, deletion: whole }],
  ["files", { "storage.files": inFiles }, { ...nothing, read: reads, write: whole, remove: whole, link: whole }],
  ["files, to read", { "storage.files": ["read"] }, { ...nothing, read: reads, link: whole }],
  ["namespaces", { "storage.namespaces": all }, { ...nothing, see: whole, change: whole, deletion: whole }],
  ["this one's files", { "storage.files.my": inFiles }, mine("files")],
  ["this one", { "storage.namespaces.my": all }, mine("namespaces")],
  ["one that this one's name begins", { "storage.files.my.data": inFiles, "storage.namespaces.my.data": all }, nothing],
  ["another one", { "storage.files.other": inFiles, "storage.namespaces.other": all }, nothing],
  ["the registry", { "storage.registry": ["push", "pull", "delete"] }, nothing],
  ["compute", { compute: all, networking: ["create", "read", "delete"] }, nothing],
]

/** Routes without a namespace: what each kind of caller is answered. */
const wide: Record<string, { nobody: Outcome; user: Outcome; admin: Outcome; token: Outcome; bare: Outcome }> = {
  // `token` has all of storage, `bare` only compute.
  "GET /storage/status": { nobody: "ok", user: "ok", admin: "ok", token: "ok", bare: "ok" },
  "GET /storage/namespaces": { nobody: 401, user: "ok", admin: "ok", token: "ok", bare: 403 },
  "POST /storage/namespaces": { nobody: 401, user: "ok", admin: "ok", token: "ok", bare: 403 },
  "GET /storage/usage": { nobody: 401, user: "ok", admin: "ok", token: "ok", bare: 403 },
  "HEAD /sse/progress?id=x": { nobody: 401, user: "ok", admin: "ok", token: "ok", bare: "ok" },
  "HEAD /storage/progress?id=x": { nobody: 401, user: "ok", admin: "ok", token: "ok", bare: "ok" },
  "GET /storage/keys": { nobody: 401, user: "ok", admin: "ok", token: 401, bare: 401 },
  "POST /storage/keys": { nobody: 401, user: "ok", admin: "ok", token: 401, bare: 401 },
  "GET /admin/namespaces": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /admin/files": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /storage/admin/namespaces": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /storage/admin/files": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /storage/admin/quotas": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /storage/admin/quotas/ann": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "PUT /storage/admin/quotas/ann": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "GET /storage/admin/faults": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
  "POST /storage/admin/scrub": { nobody: 401, user: 403, admin: "ok", token: 401, bare: 401 },
}

let api: ApiHouse
/** The namespaces that stand for the columns, as this person sees them. */
const columns: Record<string, string[]> = {
  ann: ["my", "anns", "bobs", "bobs-shown", "absent"],
  bob: ["bobs", "bobs-shown", "my", "anns", "absent"],
  ada: ["adas", "adas-shown", "my", "anns", "absent"],
  dan: ["dans", "dans-shown", "my", "anns", "absent"],
}

beforeAll(async () => {
  api = await ApiHouse.open()
  const { house } = api
  await house.db
    .insertInto("people")
    .values({ id: "dan", username: "dan", displayName: "dan", passwordHash: "", isAdmin: 0, createdAt: 0 })
    .execute()
  for (const [owner, names] of Object.entries(columns))
    for (const [i, name] of names.slice(0, 2).entries()) {
      const made = await house.namespaces.create(owner, name, i === 0 ? "private" : "public")
      await house.objects.put(
        made,
        "f",
        (async function* () {
          yield new TextEncoder().encode(`of ${owner}`)
        })(),
      )
    }
  await house.namespaces.create("ann", "my.data")
})
afterAll(() => api.close())

/** How a token comes along. */
type Carrier = "bearer" | "cookie" | "query"

async function ask(
  route: string,
  name: string,
  token: string | undefined,
  carrier: Carrier = "bearer",
): Promise<{ outcome: Outcome | string; text: string }> {
  const [method = "", pattern = "", inBody] = route.split(" ")
  let path = pattern.replace("$", name)
  const headers: Record<string, string> = { "tus-resumable": "1.0.0", "upload-length": "1" }
  if (inBody === "$") headers["upload-metadata"] = `namespace ${btoa(name)},filename ${btoa("new")},overwrite ${btoa("true")}`
  if (token !== undefined && carrier === "cookie") headers.cookie = `token=${token}`
  if (token !== undefined && carrier === "query") path += `${path.includes("?") ? "&" : "?"}token=${token}`
  const hasBody = method !== "GET" && method !== "HEAD"
  const body = hasBody ? JSON.stringify(bodyOf(route, name)) : undefined
  const res = await api.send(method, path, { token: carrier === "bearer" ? token : undefined, headers, body })
  const text = await res.text()
  const { status } = res
  // A file that is not there, a digest of something else, no form: the route's own answers.
  const isOwnAnswer = [200, 201, 204, 400, 409].includes(status) || (status === 404 && text.includes("file not found"))
  return { outcome: isOwnAnswer ? "ok" : [401, 403, 404].includes(status) ? (status as Outcome) : `${status} ${text}`, text }
}

const bodyOf = (route: string, name: string): object =>
  route.includes("/links")
    ? { namespace: name, name: "f" }
    : route.includes("/quotas/")
      ? { quota_bytes: null }
      : route.includes("/keys")
        ? {}
        : { hidden: name !== "anns" && !name.endsWith("shown") }

/** Compares every route of a table in every column; `words` name the row in what a failure shows. */
async function compare(
  words: string,
  person: string,
  token: string | undefined,
  table: Table,
  carriers: Carrier[] = ["bearer"],
): Promise<number> {
  const wrong: string[] = []
  let count = 0
  for (const [kind, row] of Object.entries(table) as [Kind, Row][])
    for (const route of routes[kind])
      for (const [i, name] of (columns[person] ?? []).entries())
        for (const carrier of carriers) {
          const isRead = /^(GET|HEAD) /.test(route)
          // An address brings a token to what reads, and to nothing else.
          const expected = carrier === "query" && !isRead ? anonymous[kind][i] : row[i]
          const { outcome, text } = await ask(route, name, token, carrier)
          count++
          if (outcome !== expected) wrong.push(`${words}, ${carrier}: ${route} of ${places[i]} is ${outcome}, not ${expected}`)
          const isSeen = /of (ann|bob|ada|dan)$/.test(text) && !text.endsWith(`of ${person}`)
          if (isSeen && expected !== "ok") wrong.push(`${words}: ${route} of ${places[i]} shows what is another's`)
        }
  expect(wrong).toEqual([])
  return count
}

test.each(["ann", "bob", "ada"])(
  "a session of %s does all with their own, reads what is public, and no more, administrators included",
  async (person) => {
    const session = await api.session(person)
    expect(await compare(`session of ${person}`, person, session, everything, ["bearer", "cookie", "query"])).toBeGreaterThan(250)
  },
  60_000,
)

test("nobody reads what is public, and no more", async () => {
  await compare("nobody", "ann", undefined, anonymous)
  await compare("a token that is none", "ann", "garbage", anonymous, ["bearer", "cookie", "query"])
}, 60_000)

test("whoever is disabled is nobody, with every token", async () => {
  const tokens = [await api.session("dan"), await api.apiToken("dan", { storage: all }), await api.serviceToken("dan", { storage: all })]
  await api.house.db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "dan").execute()
  for (const token of tokens) await compare("disabled", "dan", token, anonymous, ["bearer", "query"])
}, 60_000)

test.each(scoped)(
  "API tokens and those of service accounts with %s",
  async (name, scopes, table) => {
    await compare(`API token, ${name}`, "ann", await api.apiToken("ann", scopes), table, ["bearer", "query"])
    await compare(`service account, ${name}`, "ann", await api.serviceToken("ann", scopes), table)
  },
  60_000,
)

test("scopes of an administrator's token are over what is their own too", async () => {
  await compare("administrator's API token", "ada", await api.apiToken("ada", { storage: all }), everything)
}, 60_000)

test("routes without a namespace", async () => {
  const wrong: string[] = []
  const callers = {
    nobody: undefined,
    user: await api.session("bob"),
    admin: await api.session("ada"),
    token: await api.apiToken("ada", { storage: all }),
    bare: await api.serviceToken("ada", { compute: all }),
  }
  for (const [route, row] of Object.entries(wide))
    for (const [who, token] of Object.entries(callers)) {
      const { outcome } = await ask(route, "", token)
      const expected = row[who as keyof typeof row]
      if (outcome !== expected) wrong.push(`${who}: ${route} is ${outcome}, not ${expected}`)
    }
  expect(wrong).toEqual([])
})

test("a signed link opens the file that it was made for, by the two methods that read, whoever brings it", async () => {
  const session = await api.session("ann")
  const made = await api.send("POST", "/storage/links", { token: session, body: { namespace: "my", name: "f" } })
  const { url } = (await made.json()) as { url: string }
  const query = url.slice(url.indexOf("?"))
  for (const token of [undefined, "garbage", await api.session("bob"), await api.apiToken("bob", { compute: all })]) {
    for (const [method, path, expected] of [
      ["GET", "/storage/my/f", 200],
      ["HEAD", "/storage/my/f", 200],
      ["GET", "/storage/my/g", 401],
      ["GET", "/storage/my.data/f", 401],
      ["GET", "/storage/bobs/f", 401],
      ["GET", "/storage/absent/f", 401],
      // Elsewhere it is no link at all.
      ["GET", "/storage/download/my/f", undefined],
      ["PUT", "/storage/my/f", undefined],
      ["DELETE", "/storage/my/f", undefined],
    ] as const) {
      const { status } = await api.send(method, `${path}${query}`, { token })
      const plain = (await api.send(method, path, { token })).status
      expect([method, path, status]).toEqual([method, path, expected ?? plain])
      if (expected === undefined) expect([401, 403, 404]).toContain(status)
    }
  }
})

test("every storage route is in a table here", () => {
  const named = [...Object.values(routes).flat(), ...Object.keys(wide)].map((route) =>
    (route.split("?")[0] ?? "")
      .replace(/ \$$/, "")
      .replace(/^HEAD/, "GET")
      .replace("namespaces/$", "namespaces/:name")
      .replace(/\$\/.*/, ":namespace/*")
      .replace("quotas/ann", "quotas/:person"),
  )
  // Of things with ids of their own: whose they are is tested beside them.
  const elsewhere = [
    "DELETE /storage/keys/:id",
    // They need more than one action of a scope, or two namespaces: moves.test.ts, file-versions.test.ts.
    "POST /storage/files/move",
    "POST /storage/files/restore",
    ...["GET", "PATCH", "DELETE"].map((method) => `${method} /storage/uploads/:id`),
  ]
  const real = api.root.routes
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !route.startsWith("ALL ") && !route.endsWith("/livez"))
  expect([...new Set([...named, ...elsewhere])].sort()).toEqual([...new Set(real)].sort())
})
