import type { Scene } from "./reference-story"

type Made = { id: string }

const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPqVYxvx3ZW6eB1bqgSgaTVIzVTxDBPpHnQ3BcFFGyGk ada@laptop"

/** Containers and hostnames; what needs a container engine is left out. */
export async function tellHouse(scene: Scene): Promise<void> {
  const { recorder, hide, publishTxt, origin } = scene
  const port = Number(new URL(origin).port)
  const container = await recorder.ask<Made>("POST /compute/containers", {
    body: { name: "web", address: "127.0.0.1", ports: { "8000": port } },
  })
  hide(container.id, "0c0ffee0")
  const at = { id: container.id }
  for (const route of ["GET /compute/containers", "GET /compute/admin/containers"]) await recorder.ask(route)
  for (const part of ["", "/ssh", "/mounts", "/volumes", "/stats"]) await recorder.ask(`GET /compute/containers/:id${part}`, { at })
  await recorder.ask("POST /compute/containers/:id/ingress", { at, body: { port: 443, target_port: 8000 } })
  await recorder.ask("GET /compute/containers/:id/ingress", { at })
  await recorder.ask("DELETE /compute/containers/:id/ingress/:port", { at: { ...at, port: "443" } })
  await recorder.ask("POST /compute/containers/:id/stop", { at })
  await recorder.ask("POST /compute/containers/:id/start", { at })
  await recorder.ask("POST /compute/tickets", { body: { path: "/compute/ws" } })
  await recorder.ask("GET /compute/ws", { status: 426 })
  await recorder.ask("GET /compute/engine")
  await recorder.ask("GET /compute/images")
  const key = await recorder.ask<{ id: number }>("POST /compute/ssh-keys", { body: { name: "laptop", public_key: sshKey } })
  await recorder.ask("GET /compute/ssh-keys")
  await recorder.ask("DELETE /compute/ssh-keys/:id", { at: { id: String(key.id) } })
  const registry = await recorder.ask<Made>("POST /compute/registries", {
    body: { registry: "ghcr.io", username: "ada", password: "a password of hers" },
  })
  hide(registry.id, "reg_0123456789abcdef")
  await recorder.ask("GET /compute/registries")
  await recorder.ask("DELETE /compute/registries/:id", { at: { id: registry.id } })
  await recorder.ask("PUT /compute/instance-types/:name", { at: { name: "large" }, body: { cpus: 4, pids: 2048 } })
  await recorder.ask("GET /compute/instance-types")
  await recorder.ask("DELETE /compute/instance-types/:name", { at: { name: "large" } })

  const domain = await recorder.ask<Made>("POST /api/domains", { body: { token: scene.providerToken } })
  hide(domain.id, "cfc_0123456789abcdef")
  await recorder.ask("GET /api/domains")
  await recorder.ask("POST /api/domains/:id/refresh", { at: { id: domain.id } })
  await recorder.ask("PUT /api/domains/:id", { at: { id: domain.id }, body: { token: scene.providerToken } })
  type Mapping = { id: string; verify_name: string; verify_token: string }
  await recorder.ask("GET /api/preflight", { query: { hostname: "app.demo.test" } })
  const asked = { container_id: container.id, domain: "app.demo.test", target_port: 8000 }
  const mapping = await recorder.ask<Mapping>("POST /api/domain-mappings", { body: asked })
  hide(mapping.id, "dom_0123456789abcdef01234567")
  const of = { id: mapping.id }
  await recorder.ask("GET /api/domain-mappings/:id/records", { at: of })
  publishTxt(mapping.verify_name, mapping.verify_token)
  await scene.publish("app.demo.test", "A", "203.0.113.7")
  await recorder.ask("POST /api/domain-mappings/:id/verify", { at: of })
  await recorder.until(`/api/domain-mappings`, '"issued"')
  await recorder.until(`/api/domain-mappings/${mapping.id}/timeline`, "→ verified")
  await recorder.ask("PATCH /api/domain-mappings/:id", { at: of, body: { access_log: false } })
  await recorder.ask("GET /api/domain-mappings")
  await recorder.ask("GET /api/domain-mappings/:id/traffic", {
    at: of,
    query: { from: "2026-11-29T10:00:00Z", to: "2026-11-29T11:00:00Z" },
  })
  await recorder.ask("GET /api/domain-mappings/:id/requests", { at: of, until: "ready" })
  await recorder.ask("GET /api/domain-mappings/:id/timeline", { at: of, query: { limit: "1" } })
  await recorder.ask("GET /api/domain-mappings/:id/preflight", { at: of })
  await recorder.ask("GET /api/domain-mappings/:id/certificate", { at: of })
  await recorder.ask("GET /api/domain-mappings/traffic")
  const other = await recorder.ask<Mapping>("POST /api/domain-mappings", { body: { ...asked, domain: "shop.demo.test" } })
  hide(other.id, "dom_fedcba9876543210fedcba98")
  // A name is worth somebody's attention once it was looked for in vain so often.
  for (let looks = 0; looks < 5; looks++) await recorder.ask("POST /api/domain-mappings/:id/verify", { at: { id: other.id } })
  await recorder.until("/api/overview", "mapping_pending")
  const owned = await recorder.ask<Mapping>("POST /api/domain-mappings", { body: { ...asked, domain: "blog.customer.com" } })
  hide(owned.id, "dom_fedcba9876543210aaaaaaaa")
  const { data } = await recorder.ask<{ data: Made[] }>("GET /api/domains/:id/records", { at: { id: domain.id } })
  hide(data[0]?.id ?? "", "rec_0123456789abcdef01234567")
  await recorder.ask("POST /api/domains/:id/records/check", { at: { id: domain.id } })
  await recorder.ask("DELETE /api/domain-mappings/:id", { at: { id: owned.id } })
  await tellState(scene)
  for (const id of [other.id, mapping.id]) await recorder.ask("DELETE /api/domain-mappings/:id", { at: { id } })
  await recorder.ask("DELETE /api/domains/:id", { at: { id: domain.id } })
  await recorder.ask("DELETE /compute/containers/:id", { at })
  await recorder.ask("GET /ca.pem", { token: null })
  await recorder.ask("GET /widget.js", { token: null })
}

/** How the server stands, while a hostname is live. */
async function tellState({ recorder, publish }: Scene): Promise<void> {
  await recorder.ask("GET /api/overview")
  for (const route of ["GET /admin/settings", "GET /admin/issuers", "GET /admin/issuance-limits", "GET /admin/system", "GET /admin/alerts"])
    await recorder.ask(route)
  await recorder.ask("GET /admin/certificates", { query: { q: "app.demo.test", limit: "10" } })
  const at = { name: "max_pending_mappings" }
  await recorder.ask("PUT /admin/settings/:name", { at, body: { value: "50" } })
  await recorder.ask("DELETE /admin/settings/:name", { at })
  await publish("cloud.demo.test", "A", "203.0.113.7")
  await recorder.ask("GET /admin/checks/base-domain", { query: { name: "cloud.demo.test" } })
  await recorder.ask("GET /admin/checks/hostname", { query: { name: "app.demo.test" } })
  await recorder.ask("GET /admin/backups")
  await recorder.ask("POST /admin/backups")
}

/** Files, their namespaces, and the keys of the S3 door. */
export async function tellStorage({ recorder, hide }: Scene): Promise<void> {
  const photos = { namespace: "photos", name: "2026/hello.txt" }
  await recorder.ask("POST /storage/namespaces", { body: { name: "photos", visibility: "private" } })
  await recorder.ask("GET /storage/namespaces")
  await recorder.ask("GET /storage/namespaces/:name", { at: { name: "photos" } })
  await recorder.ask("PUT /storage/namespaces/:name", { at: { name: "photos" }, body: { quota_bytes: 5_000_000_000 } })
  await recorder.ask("PATCH /storage/namespaces", { query: { name: "photos" }, body: { hidden: true } })
  const plain = { "content-type": "text/plain" }
  await recorder.ask("PUT /storage/:namespace/*", { at: photos, headers: plain, body: "hello\n" })
  await recorder.ask("POST /storage/:namespace/*", { at: { ...photos, name: "notes.txt" }, headers: plain, body: "more\n" })
  const form = new FormData()
  form.set("file", new File(["hello\n"], "hello.txt", { type: "text/plain" }))
  await recorder.ask("POST /storage/upload", { query: { namespace: "photos" }, body: form })
  await recorder.ask("GET /storage/files", { query: { namespace: "photos", delimiter: "/" } })
  await recorder.ask("GET /storage/files/versions", { query: { namespace: "photos", name: "2026/hello.txt" } })
  await recorder.ask("PUT /storage/namespaces/:name", { at: { name: "photos" }, body: { versioning: "enabled" } })
  const draft = { namespace: "photos", name: "draft.txt" }
  for (const body of ["hello\n", "more\n"]) await recorder.ask("PUT /storage/:namespace/*", { at: draft, headers: plain, body })
  const [, older] = await recorder.ask<{ version_id: string }[]>("GET /storage/files/versions", { query: draft })
  hide(older?.version_id ?? "", "0123456789abcdef0123456789abcdef")
  const body = { ...draft, version_id: older?.version_id }
  const restored = await recorder.ask<{ version_id: string }>("POST /storage/files/restore", { body })
  hide(restored.version_id, "fedcba9876543210fedcba9876543210")
  await recorder.ask("POST /storage/files/move", { body: { ...draft, to_name: "2026/final.txt" } })
  await recorder.ask("GET /storage/:namespace/*", { at: photos })
  await recorder.ask("GET /storage/download/:namespace/*", { at: photos })
  await recorder.ask("GET /storage/download", { query: { namespace: "photos", name: "hello.txt" } })
  await recorder.ask("POST /storage/links", { body: { namespace: "photos", name: "hello.txt", expires_in: 86_400 } })
  const tus = { "tus-resumable": "1.0.0" }
  const metadata = `namespace ${btoa("photos")},filename ${btoa("film.txt")}`
  const begin = async (placeholder: string) => {
    await recorder.ask("POST /storage/uploads", { headers: { ...tus, "upload-length": "6", "upload-metadata": metadata } })
    const id = recorder.head.get("location")?.split("/").at(-1) ?? ""
    hide(id, placeholder)
    return id
  }
  const upload = await begin("0123456789abcdef0123456789abcdef")
  const second = await begin("fedcba9876543210fedcba9876543210")
  await recorder.ask("GET /storage/uploads/:id", { at: { id: upload }, headers: tus })
  const bytes = { ...tus, "upload-offset": "0", "content-type": "application/offset+octet-stream" }
  await recorder.ask("PATCH /storage/uploads/:id", { at: { id: upload }, headers: bytes, body: "hello\n" })
  await recorder.ask("DELETE /storage/uploads/:id", { at: { id: second }, headers: tus })
  for (const route of ["GET /storage/usage", "GET /storage/status", "GET /storage/admin/faults"]) await recorder.ask(route)
  for (const top of ["/storage/admin", "/admin"]) {
    await recorder.ask(`GET ${top}/namespaces`, { query: { limit: "10" } })
    await recorder.ask(`GET ${top}/files`, { query: { limit: "1" } })
  }
  await recorder.ask("POST /storage/admin/scrub")
  const key = await recorder.ask<Made>("POST /storage/keys", { body: { name: "backup" } })
  hide(key.id, "FH0123456789ABCDEF00")
  await recorder.ask("GET /storage/keys")
  await recorder.ask("DELETE /storage/keys/:id", { at: { id: key.id } })
  await recorder.ask("DELETE /storage/:namespace/*", { at: photos })
  await recorder.ask("DELETE /storage/delete", { query: { namespace: "photos", name: "hello.txt" } })
  for (const route of ["GET /storage/progress", "GET /sse/progress"]) {
    const told = recorder.ask(route, { query: { id: "upload-1" }, until: '"done":true' })
    await Bun.sleep(100)
    await recorder.ask("PUT /storage/:namespace/*", { at: photos, query: { id: "upload-1" }, headers: plain, body: "hello\n" })
    await told
  }
  const { digest } = await recorder.ask<{ digest: string }>("GET /storage/namespaces/:name/deletion", { at: { name: "photos" } })
  hide(digest, "<digest>")
  await recorder.ask("DELETE /storage/namespaces/:name", { at: { name: "photos" }, query: { confirm: digest } })
  await recorder.ask("POST /storage/namespaces", { body: { name: "drafts" } })
  await recorder.ask("DELETE /storage/namespaces", { query: { name: "drafts" } })
}
