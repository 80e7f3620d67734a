import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../lab/ports"
import { acceptsConnections } from "../../lab/process"
import { type Backend, echoLabel, sinkLabel } from "../backend"
import { type SharedCertificate, zone } from "../certificate"
import { startDaemon } from "../daemon"
import type { Server } from "../server"

/** HAProxy with two threads: HTTP/2 by ALPN, upstream connections shared by all clients, and a JSON access log to a file. */
export async function startHaproxy(options: { folder: string; backend: Backend; certificate: SharedCertificate }): Promise<Server> {
  const { backend, certificate } = options
  const folder = await mkdtemp(join(options.folder, "haproxy-"))
  const port = await freePort()
  const server = (name: string, at: number) => `backend ${name}
  server ${name} 127.0.0.1:${at} pool-max-conn 512
`
  const line = [
    '{"time":"%tr","host":"%[capture.req.hdr(0)]","method":"%HM","path":"%HPO","status":%ST,"bytesIn":%U,"bytesOut":%B,"upstream":"%si:%sp"',
    '"connectMs":%Tc,"firstByteMs":%Tr,"totalMs":%Ta,"tls":"%sslv","reused":%[ssl_fc_is_resumed],"protocol":"%HV","requestId":"%ID","client":"%ci"}',
  ].join(",")
  const config = `global
  nbthread 2
  maxconn 9000
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
  tune.ssl.default-dh-param 2048

defaults
  mode http
  log global
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout tunnel 1h
  timeout http-keep-alive 300s

frontend edge
  bind 127.0.0.1:${port} ssl crt ${certificate.bundleFile} alpn h2,http/1.1 backlog 4096
  declare capture request len 64
  http-request capture req.hdr(host) id 0
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  log-format ${line.replaceAll('"', String.raw`\"`).replaceAll(" ", String.raw`\ `)}
  use_backend sink if { req.hdr(host),field(1,:) -i ${sinkLabel}.${zone} }
  use_backend echo if { req.hdr(host),field(1,:) -i ${echoLabel}.${zone} }
  default_backend small

${server("small", backend.small)}
${server("sink", backend.sink)}
${server("echo", backend.echo)}`
  const file = join(folder, "haproxy.cfg")
  await Bun.write(file, config)
  const daemon = await startDaemon({
    name: "haproxy",
    command: ["haproxy", "-db", "-f", file],
    folder,
    ownsFolder: true,
    ready: () => acceptsConnections("127.0.0.1", port),
  })
  return { name: "haproxy", address: "127.0.0.1", port, pid: daemon.pid, accessLog: daemon.outputFile, stop: () => daemon.stop() }
}
