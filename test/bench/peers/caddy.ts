import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../lab/ports"
import { acceptsConnections } from "../../lab/process"
import { type Backend, echoLabel, sinkLabel } from "../backend"
import { type SharedCertificate, zone } from "../certificate"
import { startDaemon } from "../daemon"
import type { Server } from "../server"

export type CaddyOptions = {
  folder: string
  backend: Backend
  certificate: SharedCertificate
  address?: string
  port?: number
  /** Certificates on demand from this directory, instead of the shared one. */
  acme?: { directory: string; caFile: string }
}

/** Caddy as installed, with the shared certificate, kept upstream connections and its JSON access log in a file. */
export async function startCaddy(options: CaddyOptions): Promise<Server> {
  const { backend, certificate, acme, address = "127.0.0.1" } = options
  const folder = await mkdtemp(join(options.folder, "caddy-"))
  const port = options.port ?? (await freePort())
  const tls = acme
    ? `tls {
    on_demand
    issuer acme {
      dir ${acme.directory}
      trusted_roots ${acme.caFile}
      disable_http_challenge
    }
  }`
    : `tls ${certificate.certificateFile} ${certificate.keyFile}`
  const proxy = (at: number) => `reverse_proxy 127.0.0.1:${at} {
      transport http {
        keepalive_idle_conns_per_host 512
      }
    }`
  const config = `{
  admin off
  https_port ${port}
  http_port ${await freePort()}
  auto_https disable_redirects
}
https:// {
  bind ${address}
  ${tls}
  log {
    output file ${folder}/access.log {
      roll_disabled
    }
    format json
  }
  @sink host ${sinkLabel}.${zone}
  @echo host ${echoLabel}.${zone}
  handle @sink {
    ${proxy(backend.sink)}
  }
  handle @echo {
    ${proxy(backend.echo)}
  }
  handle {
    ${proxy(backend.small)}
  }
}
`
  const file = join(folder, "Caddyfile")
  await Bun.write(file, config)
  const daemon = await startDaemon({
    name: "caddy",
    command: ["caddy", "run", "--adapter", "caddyfile", "--config", file],
    environment: { HOME: folder, XDG_DATA_HOME: join(folder, "data"), XDG_CONFIG_HOME: join(folder, "config") },
    folder,
    ownsFolder: true,
    ready: () => acceptsConnections(address, port),
  })
  return { name: "caddy", address, port, pid: daemon.pid, accessLog: join(folder, "access.log"), stop: () => daemon.stop() }
}
