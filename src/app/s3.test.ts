import { afterAll, beforeAll, expect, test } from "bun:test"
import { CreateBucketCommand, DeleteBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type App, startApp } from "../app"
import { readSettings } from "../config"
import { LiveConfig } from "../live-config"
import { silentLog } from "../log"

const password = "correct horse battery"
let folder: string
let app: App

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "freehold-s3-"))
  const flags = ["--data-dir", folder, "--base-domain=cloud.test", "--edge-workers=1", "--ssh-listen=off", "--container-engine=none"]
  for (const name of ["api", "http", "https"]) flags.push(`--${name}-listen=127.0.0.1:0`)
  const settings = () => readSettings([...flags, "--admin-username=ada", `--admin-password=${password}`], {})
  app = await startApp(new LiveConfig(settings), silentLog)
}, 60_000)

afterAll(async () => {
  await app?.stop(0)
  await rm(folder, { recursive: true, force: true })
})

const api = () => `http://127.0.0.1:${app.ports.api}`

async function send<T>(method: string, path: string, token?: string, body?: object): Promise<T> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const res = await fetch(api() + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${await res.text()}`)
  return (await res.json()) as T
}

test("what is changed and denied at the S3 door is in the audit trail, with the key and from where", async () => {
  const { token, user_id: personId } = await send<{ token: string; user_id: string }>("POST", "/api/login", undefined, {
    username: "ada",
    password,
  })
  const key = await send<{ id: string; secret: string }>("POST", "/storage/keys", token, { name: "laptop" })
  const client = (secretAccessKey: string) =>
    new S3Client({
      endpoint: api(),
      region: "us-east-1",
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: key.id, secretAccessKey },
    })
  const [ada, thief] = [client(key.secret), client("guessed")]
  await ada.send(new CreateBucketCommand({ Bucket: "photos" }))
  await ada.send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }))
  await expect(ada.send(new DeleteBucketCommand({ Bucket: "photos" }))).rejects.toThrow("not empty")
  await expect(thief.send(new DeleteBucketCommand({ Bucket: "photos" }))).rejects.toThrow("signature")
  for (const path of ["/", "/photos/a", "/.env"])
    expect((await fetch(api() + path, { headers: { host: "s3.cloud.test" } })).status).toBe(403)
  for (const one of [ada, thief]) one.destroy()

  const { entries } = await send<{ entries: object[] }>("GET", "/api/audit?action=S3", token)
  const common = { token: { kind: "storage_key", id: key.id }, address: "127.0.0.1", target: "photos" }
  const own = { user_id: personId, username: "ada", ...common }
  expect(entries).toMatchObject([
    { user_id: null, username: null, ...common, action: "S3 DeleteBucket", outcome: "denied", status: 403 },
    { ...own, action: "S3 DeleteBucket", outcome: "failed", status: 409 },
    { ...own, action: "S3 CreateBucket", outcome: "allowed", status: 200 },
  ])
}, 30_000)
