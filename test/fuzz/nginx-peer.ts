import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { findProgram } from "../lab/dns"
import { startProcess } from "../lab/process"
import { Recorder } from "./recorder"

/** One server of nginx at a Unix socket, with a recorder behind it. */
export type NginxLane = { path: string; recorder: Recorder }

/**
 * A real nginx that passes what it accepts on to recorders: unbuffered, the target as it came, and beside it what nginx's own variables say.
 * Its limits lie far above the edge's, so that only the parsers are compared.
 */
export class NginxPeer {
  private constructor(
    readonly lanes: NginxLane[],
    readonly stop: () => Promise<void>,
  ) {}

  /** Whether nginx is installed. */
  static get installed(): boolean {
    return findProgram("nginx") !== undefined
  }

  /** Starts nginx with `count` lanes and its files in `folder`. */
  static async start(folder: string, count: number): Promise<NginxPeer> {
    const lanes: NginxLane[] = []
    for (let i = 0; i < count; i++) {
      const recorder = await Recorder.start({ lenient: true, path: join(folder, `recorder-${i}.sock`) })
      lanes.push({ path: join(folder, `nginx-${i}.sock`), recorder })
    }
    await mkdir(join(folder, "nginx-temp"))
    const file = join(folder, "nginx.conf")
    await writeFile(file, configuration(folder, count))
    const nginx = await startProcess({
      name: "nginx",
      command: [findProgram("nginx") ?? "nginx", "-c", file, "-p", folder, "-e", "stderr"],
      ready: () => lanes.every((lane) => existsSync(lane.path)),
    })
    return new NginxPeer(lanes, async () => {
      await nginx.stop()
      for (const lane of lanes) lane.recorder.stop()
    })
  }
}

function configuration(folder: string, count: number): string {
  const temp = (name: string) => `${name}_temp_path ${join(folder, "nginx-temp", name)};`
  const servers = Array.from(
    { length: count },
    (_, i) => `upstream recorder${i} { server unix:${join(folder, `recorder-${i}.sock`)}; }
  server {
    listen unix:${join(folder, `nginx-${i}.sock`)};
    location / { proxy_pass http://recorder${i}; }
  }`,
  )
  return `daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(temp).join("\n  ")}
  client_header_buffer_size 128k;
  large_client_header_buffers 8 256k;
  client_max_body_size 0;
  keepalive_requests 1000000;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_buffering off;
  # A client that has said all it has to say half-closes; that is not leaving.
  proxy_ignore_client_abort on;
  proxy_next_upstream off;
  proxy_set_header Host $http_host;
  proxy_set_header X-Nginx-Method $request_method;
  proxy_set_header X-Nginx-Uri $request_uri;
  proxy_set_header X-Nginx-Host $host;
  ${servers.join("\n  ")}
}
`
}
