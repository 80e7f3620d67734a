import { chmodSync, rmSync } from "node:fs"
import { describeError } from "./errors"
import type { Listen } from "./settings"

// Bun would cut a connection after ten silent seconds, and looking at every name server of a zone or stopping a container may take longer.
const idleTimeout = 240
// Bun would refuse what is longer than 128 MB, and files are. Every other route bounds what it reads by itself.
const maxRequestBodySize = Number.MAX_SAFE_INTEGER

/** `server` is where the request may be upgraded; nothing is answered to one that was. */
type Handle<S> = (request: Request, address: string | undefined, server: Bun.Server<S>) => Promise<Response | undefined>

/** Starts a listener where a setting says. Throws an error that names the setting. */
export async function listenAt(
  setting: string,
  listen: Listen,
  listener: { start(at: { host: string; port: number }): Promise<{ port: number }> },
): Promise<number> {
  // Both families through one socket, or IPv4 alone where the host has no IPv6.
  const hosts = listen.host === undefined ? ["::", "0.0.0.0"] : [listen.host]
  let fault: unknown
  for (const host of hosts) {
    try {
      return (await listener.start({ host, port: listen.port })).port
    } catch (error) {
      fault = error
      if ((error as NodeJS.ErrnoException).code !== "EAFNOSUPPORT") break
    }
  }
  throw cannotListen(setting, listen, fault)
}

/** Takes over a socket that listens already. Throws an error that names the descriptor. */
export async function takeOver(
  name: string,
  fd: number,
  listener: { start(at: { fd: number }): Promise<{ port: number }> },
): Promise<number> {
  try {
    return (await listener.start({ fd })).port
  } catch (error) {
    const which = `the socket that systemd handed over for ${name}, descriptor ${fd},`
    throw new Error(`${which} cannot be listened on: ${describeError(error)}`, { cause: error })
  }
}

/** The API in the clear, for loopback. The address is that of the peer, whatever headers say. */
export function serveApi<S = undefined>(
  setting: string,
  listen: Listen,
  handle: Handle<S>,
  websocket?: Bun.WebSocketHandler<S>,
): Bun.Server<S> {
  try {
    const { host: hostname = "::", port } = listen
    const fetch = (request: Request, server: Bun.Server<S>) => handle(request, server.requestIP(request)?.address, server)
    return serve({ hostname, port, idleTimeout, maxRequestBodySize, fetch, websocket })
  } catch (error) {
    throw cannotListen(setting, listen, error)
  }
}

/** The API for the edge alone: its relay wrote `X-Forwarded-For`, and nobody else reaches the socket. */
export function serveEdgeApi<S = undefined>(path: string, handle: Handle<S>, websocket?: Bun.WebSocketHandler<S>): Bun.Server<S> {
  // The kernel's limit (unix(7)), less the zero at the end.
  if (Buffer.byteLength(path) > 107)
    throw new Error(`data_dir is too long: ${path} has to be a Unix socket, whose path has at most 107 bytes`)
  rmSync(path, { force: true })
  const fetch = (request: Request, server: Bun.Server<S>) => handle(request, request.headers.get("x-forwarded-for") ?? undefined, server)
  const server = serve({ unix: path, idleTimeout, maxRequestBodySize, fetch, websocket })
  chmodSync(path, 0o600)
  return server
}

type ServeOptions<S> = {
  idleTimeout: number
  maxRequestBodySize: number
  fetch: (request: Request, server: Bun.Server<S>) => Promise<Response | undefined>
  /** Without it nothing can be upgraded. */
  websocket: Bun.WebSocketHandler<S> | undefined
} & ({ hostname: string; port: number } | { unix: string })

/** The types know no idle time-out for Unix sockets, and the server has one; nor that an option may be undefined. */
function serve<S>({ websocket, ...options }: ServeOptions<S>): Bun.Server<S> {
  const all: object = websocket === undefined ? options : { ...options, websocket }
  return Bun.serve(all as Parameters<typeof Bun.serve>[0]) as unknown as Bun.Server<S>
}

function cannotListen(setting: string, listen: Listen, error: unknown): Error {
  const where = `${listen.host ?? ""}:${listen.port}`
  return new Error(`${setting} ${where}: ${describeError(error)} (another program may hold the port, or it takes a privilege)`)
}
