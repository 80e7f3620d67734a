import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Demo, startDemo } from "./demo"

/** As somebody runs it who reads the quickstart of the connect API. */
let demo: Demo

beforeAll(async () => {
  demo = await startDemo()
}, 90_000)

afterAll(() => demo?.stop())

type Answer = Record<string, unknown> & {
  id: string
  state: string
  secret: string
  ownership_challenge: { name: string; type: string; value: string }
  desired_records: { host: string; type: string; value: string }[]
}

/** Runs a command as it is printed; only the port differs where somebody else has 8080. */
async function shell(command: string): Promise<Answer> {
  const child = Bun.spawn(["bash", "-c", command.replaceAll("http://localhost:8080", demo.api)], { stdout: "pipe", stderr: "pipe" })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  try {
    return JSON.parse(out) as Answer
  } catch {
    throw new Error(`${command}\n${out}${err}`)
  }
}

test("the quickstart, command by command", async () => {
  const application = await shell(`curl -X POST http://localhost:8080/v1/applications \\
  -H "Authorization: Bearer sk_test_demo" \\
  -H "Content-Type: application/json" \\
  -d '{"name":"Acme Sites","allowed_origins":["https://app.acme.example"]}'`)
  expect(application).toMatchObject({ name: "Acme Sites", environment: "test" })

  const key = await shell(`curl -X POST http://localhost:8080/v1/applications/${application.id}/keys \\
  -H "Authorization: Bearer sk_test_demo" \\
  -H "Content-Type: application/json" \\
  -d '{"name":"server-prod","scopes":["connections:read","connections:write"]}'`)
  expect(key.secret).toStartWith("sk_test_")

  const connection = await shell(`curl -X POST http://localhost:8080/v1/connections \\
  -H "Authorization: Bearer ${key.secret}" \\
  -H "Content-Type: application/json" \\
  -d '{"application_id":"${application.id}","hostname":"app.customer.com"}'`)
  expect(connection).toMatchObject({
    state: "pending_ownership",
    ownership_challenge: { name: "_customdomain-challenge.app.customer.com", type: "TXT" },
  })
  expect(connection.ownership_challenge.value).toStartWith("cd-verify-")

  const verify = `curl -X POST http://localhost:8080/v1/connections/${connection.id}/verify \\
  -H "Authorization: Bearer ${key.secret}"`
  expect(await shell(verify)).toMatchObject({ error: { code: "ownership_not_found" } })
  const ask = async () => (await fetch(`${demo.api}/internal/ask?domain=app.customer.com`)).json()
  expect(await ask()).toEqual({ allow: false })
  const { name, type, value } = connection.ownership_challenge
  await demo.publish(name, type, value)
  expect(["verified", "propagating"]).toContain((await shell(verify)).state)
  expect(await ask()).toEqual({ allow: true })

  const check = `curl -X POST http://localhost:8080/v1/connections/${connection.id}/records:check \\
  -H "Authorization: Bearer ${key.secret}"`
  expect(await shell(check)).toMatchObject({ state: "propagating", all_propagated: false })
  for (const record of connection.desired_records) await demo.publish(record.host, record.type, record.value)
  expect(await shell(check)).toMatchObject({ state: "live", records: [{ type: "CNAME", propagated: true }] })

  const page = Bun.spawn(["curl", "-sk", "--connect-to", `app.customer.com:443:127.0.0.1:${demo.httpsPort}`, "https://app.customer.com/"], {
    stdout: "pipe",
  })
  expect(await new Response(page.stdout).text()).toBe("Hello from the application behind Freehold.\n")
  const timeline = await shell(
    `curl -s http://localhost:8080/v1/connections/${connection.id}/timeline -H "Authorization: Bearer ${key.secret}"`,
  )
  expect(JSON.stringify(timeline)).toContain("issuing_cert → live")
}, 120_000)

test("the demo's key is there in the demo alone, and the gate is asked in both dialects", async () => {
  expect((await fetch(`${demo.api}/internal/ask?host=app.customer.com`)).status).toBe(200)
  for (const query of ["domain=nobody.customer.com", "host=10.0.0.1", "domain=", "x=y"]) {
    const res = await fetch(`${demo.api}/internal/ask?${query}`)
    expect([query, res.status, await res.json()]).toEqual([query, 403, { allow: false }])
  }
  const overTls = Bun.spawn(
    [
      "curl",
      "-sk",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "--connect-to",
      `connect.freehold.localhost:443:127.0.0.1:${demo.httpsPort}`,
    ].concat("https://connect.freehold.localhost/internal/ask?domain=app.customer.com"),
    { stdout: "pipe" },
  )
  expect(await new Response(overTls.stdout).text()).toBe("404")
})
