import { afterEach, expect, test } from "bun:test"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./containers"
import type { CommandIo } from "./io"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A server that answers by "METHOD /path?query" and keeps the bodies it was sent. */
function setup(answers: Record<string, () => Response>, lines: string[] = []) {
  const bodies: unknown[] = []
  const asked: string[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(req) {
      const { pathname, search } = new URL(req.url)
      const text = await req.text()
      bodies.push(text === "" ? undefined : JSON.parse(text))
      return answers[`${req.method} ${pathname}${search}`]?.() ?? Response.json({ error: `no ${pathname}${search}` }, { status: 404 })
    },
  })
  cleanups.push(() => server.stop(true))
  const said = { out: "", err: "" }
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async (prompt, { hidden }) => {
      asked.push(`${hidden ? "hidden" : "shown"} ${prompt}`)
      return lines.shift() ?? ""
    },
    environment: { server: `http://127.0.0.1:${server.port}`, token: "t0", configFolder: join(tmpdir(), "freehold-none") },
    version: "0",
  }
  return { said, bodies, asked, containers: (...args: string[]) => run(args, io) }
}

test("create says all that was asked for, and nothing else", async () => {
  const { bodies, containers } = setup({ "POST /compute/containers": () => Response.json({ id: "c1", status: "pending" }) })
  const flags = [
    "--env",
    "A=b=c",
    "--env",
    "D=",
    "--restart",
    "always",
    "--pids",
    "64",
    "--mount",
    "/data",
    "--ssh",
    "--ingress",
    "443=8080",
  ]
  expect(await containers("create", "--name", "web", "--image", "app", ...flags, "--ingress", "80", "--", "serve", "--port", "8080")).toBe(
    0,
  )
  expect(bodies).toEqual([
    {
      name: "web",
      image: "app",
      env: { A: "b=c", D: "" },
      command: ["serve", "--port", "8080"],
      restart_policy: "always",
      pids_limit: 64,
      mount_paths: ["/data"],
      enable_ssh: true,
      ingress_rules: [{ port: 443, target_port: 8080 }, { port: 80 }],
    },
  ])
  expect(await containers("create", "--name", "web", "--image", "app", "--no-mounts")).toBe(0)
  expect(bodies.at(-1)).toEqual({ name: "web", image: "app", mount_paths: [] })
})

test.each([
  [["create", "--name", "a", "--env", "=b"], '--env is NAME=VALUE, not "=b"'],
  [["create", "--name", "a", "--ingress", "80=x"], "the container's port is a number from 1 to 65535"],
  [["create", "--name", "a", "--address", "10.0.0.1", "--env", "A=b"], "--env does not go with --address"],
  [["logs", "c1", "--tail", "many"], "--tail is a number from 0 to 10000"],
  [["ingress", "add", "c1"], "ingress is followed by ID, ls ID, add ID PORT[=CONTAINER_PORT] or rm ID PORT"],
  [["volumes", "rm", "c1"], "volumes is followed by ID, ls ID or rm ID VOLUME"],
  [["create", "--name", "a", "--storage", "5m"], '--storage is a size such as 10g, not "5m"'],
  [["release"], "an argument is missing"],
  [["registries", "add"], "registries is followed by nothing, ls, add HOST or rm ID"],
  [["registries", "add", "r.test"], "--username is missing"],
  [["registries", "add", "r.test", "--username", "ann", "--password", "s3cret"], "unknown flag --password"],
  [["registries", "add", "r.test", "--username", "ann", "--password-stdin"], "the password is empty"],
  [["registries", "rm", "reg_1", "--username", "ann"], "--username goes with registries add HOST"],
  [["instance-types", "put", "huge"], "--cpus is missing"],
  [["instance-types", "put", "huge", "--cpus", "many"], '--cpus is a number from 0.01 to 1024, not "many"'],
  [["instance-types", "rm"], "instance-types is followed by nothing, ls, put NAME --cpus N or rm NAME"],
])("%p is a bad command line: %s", async (args, error) => {
  const { said, bodies, containers } = setup({})
  expect(await containers(...args)).toBe(2)
  expect(said.err).toContain(error)
  expect(bodies).toEqual([])
})

test("logs are printed line by line without what only keeps the stream alive, and safe for a terminal", async () => {
  const { said, containers } = setup({
    "GET /compute/containers/c1/logs?follow=true&tail=5": () => new Response("\n1 one\n\n2 \u001b[31mred\n3 no end"),
  })
  expect(await containers("logs", "-f", "c1", "--tail", "5")).toBe(0)
  expect(said.out).toBe("1 one\n2 ?[31mred\n3 no end\n")
  expect(await containers("logs", "c2")).toBe(1)
  expect(said.err).toBe("error: no /compute/containers/c2/logs?follow=false\n")
})

test("ingress rules, mounts, volumes, stats and what may be adopted are tables", async () => {
  const { said, bodies, containers } = setup({
    "GET /compute/containers/c1/ingress": () => Response.json({ rules: [{ port: 8443, target_port: 80, problem: "taken" }] }),
    "POST /compute/containers/c1/ingress": () => Response.json({ port: 443, target_port: 8080 }),
    "DELETE /compute/containers/c1/ingress/443": () => Response.json({ status: "ok" }),
    "PUT /compute/containers/c1/mounts": () => Response.json({ mount_paths: ["/a", "/b"], restarted: true }),
    "GET /compute/containers/c1/stats": () =>
      Response.json({ samples: [{ time: "T", cpu_percent: 12.5, memory_bytes: 2 ** 20, received_bytes_per_second: null, processes: 3 }] }),
    "GET /compute/admin/foreign-containers": () =>
      Response.json({ containers: [{ engine_id: "e1", name: "old", image: "app", state: "running" }] }),
  })
  expect(await containers("ingress", "c1")).toBe(0)
  expect(said.out).toBe("PORT  CONTAINER PORT  PROBLEM\n8443  80              taken\n")
  expect(await containers("ingress", "add", "c1", "443=8080")).toBe(0)
  expect(bodies.at(-1)).toEqual({ port: 443, target_port: 8080 })
  expect(await containers("ingress", "rm", "c1", "443")).toBe(0)
  said.out = ""
  expect(await containers("mounts", "c1", "/a", "/b")).toBe(0)
  expect([said.out, bodies.at(-1)]).toEqual(["/a\n/b\n", { mount_paths: ["/a", "/b"] }])
  said.out = ""
  expect(await containers("stats", "c1")).toBe(0)
  expect(said.out).toContain("T     12.5 %  1.0 MB")
  expect(await containers("adopt")).toBe(0)
  expect(said.out).toContain("old   app    running  e1")
})

test("credentials of registries: the password is asked for or read from standard input, and sent nowhere else", async () => {
  const one = { id: "reg_1", registry: "ghcr.io", username: "ann", created_at: "T" }
  const answers = {
    "GET /compute/registries": () => Response.json({ registries: [one] }),
    "POST /compute/registries": () => Response.json(one),
    "DELETE /compute/registries/reg_1": () => Response.json({ status: "ok" }),
  }
  const { said, bodies, asked, containers } = setup(answers, ["s3cret", "other"])
  const listed = "ID     REGISTRY  USERNAME  CREATED\nreg_1  ghcr.io   ann       T\n"
  for (const words of [["registries"], ["registries", "ls"], ["registries", "add", "ghcr.io", "--username", "ann"]]) {
    said.out = ""
    expect(await containers(...words)).toBe(0)
    expect(said.out).toBe(listed)
  }
  expect(await containers("registries", "add", "ghcr.io", "--username", "ann", "--password-stdin")).toBe(0)
  expect(asked).toEqual(["hidden password of ann at ghcr.io: ", "hidden "])
  expect(bodies.slice(-2)).toEqual(["s3cret", "other"].map((password) => ({ registry: "ghcr.io", username: "ann", password })))
  expect(said.out + said.err).not.toContain("s3cret")
  said.out = ""
  expect(await containers("registries", "rm", "reg_1")).toBe(0)
  expect(said.out).toBe("reg_1 removed\n")
})

test("instance types are listed, put and removed", async () => {
  const small = { name: "small", cpus: 0.5, pids: 1024 }
  const { said, bodies, containers } = setup({
    "GET /compute/instance-types": () => Response.json({ instance_types: [small] }),
    "PUT /compute/instance-types/small": () => Response.json(small),
    "DELETE /compute/instance-types/small": () => Response.json({ error: "some container has the instance type small" }, { status: 409 }),
  })
  expect(await containers("instance-types")).toBe(0)
  expect(said.out).toBe("NAME   CPUS  PROCESSES\nsmall  0.5   1024\n")
  expect(await containers("instance-types", "put", "small", "--cpus", "0.5", "--pids", "64")).toBe(0)
  expect(await containers("instance-types", "put", "small", "--cpus", "2")).toBe(0)
  expect(bodies.slice(-2)).toEqual([{ cpus: 0.5, pids: 64 }, { cpus: 2 }])
  expect(await containers("instance-types", "rm", "small")).toBe(1)
  expect(said.err).toBe("error: some container has the instance type small\n")
})

test("release sends along only what was asked for, and storage is a size", async () => {
  const { said, bodies, containers } = setup({
    "POST /compute/containers/c1/release": () => Response.json({ status: "ok" }),
    "POST /compute/containers": () => Response.json({ id: "c1", status: "running", storage_gb: 2048, storage_used_gb: 0.1 }),
  })
  expect(await containers("release", "c1")).toBe(0)
  expect(await containers("release", "c1", "--delete-mappings")).toBe(0)
  expect(bodies).toEqual([{}, { delete_mappings: true }])
  expect(said.out).toStartWith("c1 released")
  said.out = ""
  expect(await containers("create", "--name", "a", "--image", "b", "--storage", "2t")).toBe(0)
  expect(bodies.at(-1)).toEqual({ name: "a", image: "b", storage_gb: 2048 })
  expect(said.out).toContain("storage:      2048 GB\nstorage used: 0.1 GB\n")
})
