import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Elysia } from "elysia"
import { readSettings } from "../config"
import { AppError } from "../errors"
import { keptSettingsFile } from "../given-settings"
import { renderError } from "../http/errors"
import { LiveConfig } from "../live-config"
import { silentLog } from "../log"
import { KeptSettings } from "./kept-settings"
import { houseRoutes } from "./routes"
import { HouseSettings, type SettingReply } from "./settings"

let folder: string
let configFile: string
const undone: never[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "freehold-house-"))
  configFile = join(folder, "freehold.toml")
  await Bun.write(configFile, 'drain_limit = "20s"\nacme_directory = "https://me:hush@ca.test/directory"')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function open(environment: Record<string, string> = {}, flags: string[] = []) {
  const args = ["--config", configFile, "--data-dir", folder, ...flags]
  const config = new LiveConfig(() => readSettings(args, environment))
  const reloads: string[][] = []
  const settings = new HouseSettings({
    config,
    kept: new KeptSettings(keptSettingsFile(folder)),
    reload: () => void reloads.push(config.reload().applied),
  })
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(
      houseRoutes({ settings, certificates: undone as never, system: undone as never, limits: async () => ({}) }, async (request) => {
        const who = request.headers.get("authorization")
        if (who === null) throw new AppError("unauthorized", "unauthorized")
        if (who !== "admin") throw new AppError("forbidden", "forbidden")
      }),
    )
  const send = async (method: string, path: string, body?: unknown, who = "admin") => {
    const headers: Record<string, string> = who === "" ? {} : { authorization: who }
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const res = await app.handle(new Request(`http://localhost${path}`, init))
    return { status: res.status, body: (await res.json()) as SettingReply & { error: string; settings: SettingReply[] } }
  }
  const put = (name: string, value: unknown) => send("PUT", `/admin/settings/${name}`, { value })
  const named = async (name: string) => (await send("GET", "/admin/settings")).body.settings.find((one) => one.name === name)
  return { config, reloads, send, put, named }
}

test("each setting says what is in force, where it comes from and what it means; a secret is never shown", async () => {
  const { named, send } = open({ FREEHOLD_HOLD_LIMIT: "5s", FREEHOLD_JWT_SECRET: "s".repeat(40) }, ["--log-level=warn"])
  expect(await named("log_level")).toMatchObject({ value: "warn", source: "flag", source_name: "--log-level", reloads: true })
  expect(await named("hold_limit")).toMatchObject({
    value: "5s",
    source: "environment",
    source_name: "FREEHOLD_HOLD_LIMIT",
    default: "10s",
  })
  expect(await named("drain_limit")).toMatchObject({ value: "20s", source: "file", source_name: `drain_limit in ${configFile}` })
  expect(await named("max_connections")).toMatchObject({ value: null, source: "default", default: "20000", source_name: null })
  expect(await named("jwt_secret")).toMatchObject({ value: null, source: "environment", is_secret: true, reloads: false })
  expect(await named("acme_directory")).toMatchObject({ value: "https://…@ca.test/directory" })
  const all = JSON.stringify((await send("GET", "/admin/settings")).body)
  expect(all).not.toContain("ssss")
  expect(all).not.toContain("hush")
})

test("a setting is in force at once, kept for the next start in a file of our own, and goes back to its default", async () => {
  const { config, reloads, put, send } = open()
  expect((await put("max_pending_mappings", "7")).body).toMatchObject({ value: "7", source: "here", set_here: "7", source_name: null })
  expect([config.current.maxPendingMappings, reloads]).toEqual([7, [["max_pending_mappings"]]])
  const file = keptSettingsFile(folder)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(open().config.current.maxPendingMappings).toBe(7)
  const back = await send("DELETE", "/admin/settings/max_pending_mappings")
  expect(back.body).toMatchObject({ value: null, source: "default", set_here: null })
  expect(config.current.maxPendingMappings).toBe(100)
  expect((await send("DELETE", "/admin/settings/max_pending_mappings")).status).toBe(404)
})

test.each([
  ["a file", {}, [], "drain_limit", /drain_limit in .*freehold.toml, which wins/],
  ["the environment", { FREEHOLD_HOLD_LIMIT: "5s" }, [], "hold_limit", /FREEHOLD_HOLD_LIMIT in the environment, which wins/],
  ["a flag", {}, ["--container-limit=3"], "container_limit", /the flag --container-limit, which wins/],
] as const)("what %s says is not overridden, and the refusal says which one wins", async (_, environment, flags, name, words) => {
  const { put, reloads } = open(environment, [...flags])
  const { status, body } = await put(name, name === "container_limit" ? "9" : "9s")
  expect(status).toBe(409)
  expect(body.error).toMatch(words)
  expect([reloads, await Bun.file(keptSettingsFile(folder)).exists()]).toEqual([[], false])
})

test("what was set here stands back when the environment says something later, and is shown as such", async () => {
  await open().put("max_connections", "500")
  const { config, named, send } = open({ FREEHOLD_MAX_CONNECTIONS: "900" })
  expect(config.current.maxConnections).toBe(900)
  expect(await named("max_connections")).toMatchObject({ value: "900", source: "environment", set_here: "500" })
  expect((await send("DELETE", "/admin/settings/max_connections")).body).toMatchObject({ value: "900", set_here: null })
})

test.each([
  ["max_pending_mappings", "0", 400, "max_pending_mappings must be a whole number from 1 to 1000000"],
  ["max_pending_mappings", null, 400, "must be a whole number"],
  ["webhook_allow", "everywhere", 400, "must be address ranges"],
  ["storage_floor", "1G\nlog_level = 'debug'", 400, "must be none, or a size"],
  ["https_listen", ":1443", 409, "is read at the start alone"],
  ["no_such_setting", "1", 404, "is not a setting"],
  ["constructor", "1", 404, "is not a setting"],
])("%s = %p is refused with %d, and nothing changes", async (name, value, status, words) => {
  const { put, reloads } = open()
  const answer = await put(name, value)
  expect([answer.status, reloads]).toEqual([status, []])
  expect(answer.body.error).toContain(words)
})

test("where the configuration file cannot be read, nothing is changed and the answer says why", async () => {
  const { config, put } = open()
  await put("max_pending_mappings", "7")
  await Bun.write(configFile, "drain_limit = soon")
  const { status, body } = await put("max_pending_mappings", "8")
  expect([status, config.current.maxPendingMappings]).toEqual([400, 7])
  expect(body.error).toContain("is not TOML")
  await Bun.write(configFile, "")
  expect(open().config.current.maxPendingMappings).toBe(7)
})

test("a hand that writes something else into the file of ours is told at the start", async () => {
  await Bun.write(keptSettingsFile(folder), 'https_listen = ":1443"')
  expect(() => open()).toThrow(/https_listen in .*settings.toml is read at the start alone/)
  await Bun.write(keptSettingsFile(folder), 'drain_limit = "soon"')
  expect(() => open()).toThrow(/drain_limit in .*settings.toml must be a duration/)
})

test("a setting that waits for a restart is shown with what is in force", async () => {
  const { config, named } = open()
  await Bun.write(configFile, "dns_port = 5300")
  config.reload()
  expect(await named("dns_port")).toMatchObject({ value: null, source: "default", waits_for_restart: true })
})

test("is for administrators alone", async () => {
  const { send } = open()
  for (const [method, path] of [
    ["GET", "/admin/settings"],
    ["PUT", "/admin/settings/max_connections"],
    ["DELETE", "/admin/settings/max_connections"],
    ["GET", "/admin/issuers"],
    ["GET", "/admin/certificates"],
    ["GET", "/admin/issuance-limits"],
    ["GET", "/admin/system"],
  ] as const) {
    const body = method === "PUT" ? { value: "5" } : undefined
    expect([path, (await send(method, path, body, "")).status, (await send(method, path, body, "user")).status]).toEqual([path, 401, 403])
  }
})
