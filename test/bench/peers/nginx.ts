import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../lab/ports"
import { acceptsConnections } from "../../lab/process"
import { type Backend, echoLabel, sinkLabel } from "../backend"
import { type SharedCertificate, zone } from "../certificate"
import { startDaemon } from "../daemon"
import type { Server } from "../server"

/**
 * nginx with two workers as a careful operator sets it up: HTTP/2, tickets and a session cache, kept upstream connections, bodies streamed both
 * ways (its default would write them to disk), and a buffered JSON access log with the fields of ours.
 */
export async function startNginx(options: { folder: string; backend: Backend; certificate: SharedCertificate }): Promise<Server> {
  const { backend, certificate } = options
  const folder = await mkdtemp(join(options.folder, "nginx-"))
  const port = await freePort()
  const upstream = (name: string, at: number) => `
  upstream ${name} {
    server 127.0.0.1:${at};
    keepalive 512;
    keepalive_requests 1000000000;
  }`
  const config = `daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.err;
events { worker_connections 16000; }
http {
  log_format lines escape=json '{"time":"$time_iso8601","host":"$host","method":"$request_method","path":"$uri","status":$status,'
    '"bytesIn":$request_length,"bytesOut":$bytes_sent,"upstream":"$upstream_addr","connectMs":"$upstream_connect_time",'
    '"firstByteMs":"$upstream_header_time","totalMs":$request_time,"tls":"$ssl_protocol","reused":"$ssl_session_reused",'
    '"protocol":"$server_protocol","requestId":"$request_id","client":"$remote_addr"}';
  access_log ${folder}/access.log lines buffer=64k flush=1s;
  gzip off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate ${certificate.certificateFile};
  ssl_certificate_key ${certificate.keyFile};
  ssl_session_cache shared:tls:20m;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  ${upstream("small", backend.small)}${upstream("sink", backend.sink)}${upstream("echo", backend.echo)}
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Request-Id $request_id;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 3600s;
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    server_name *.${zone};
    location / { proxy_pass http://small; }
  }
  server {
    listen 127.0.0.1:${port} ssl http2;
    server_name ${sinkLabel}.${zone};
    location / { proxy_pass http://sink; }
  }
  server {
    listen 127.0.0.1:${port} ssl http2;
    server_name ${echoLabel}.${zone};
    location / { proxy_pass http://echo; }
  }
}
`
  const file = join(folder, "nginx.conf")
  await Bun.write(file, config)
  const daemon = await startDaemon({
    name: "nginx",
    command: ["nginx", "-p", folder, "-c", file],
    folder,
    ownsFolder: true,
    ready: () => acceptsConnections("127.0.0.1", port),
  })
  return { name: "nginx", address: "127.0.0.1", port, pid: daemon.pid, accessLog: join(folder, "access.log"), stop: () => daemon.stop() }
}
