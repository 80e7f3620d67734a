import { join } from "node:path"
import { testAlerts } from "../alerts/routes"
import type { Alerts } from "../alerts/service"
import type { Checkup } from "../checks/routes"
import { AppError } from "../errors"
import { serveEdgeApi } from "../listen"
import type { Log } from "../log"

/** Where a command on the same machine asks a running appliance. */
export const localSocket = (dataDir: string): string => join(dataDir, "local.sock")

/**
 * What “freehold doctor” asks of the appliance on its own machine: a Unix socket in the data folder, whose mode lets root and the service's user in and nobody
 * else, so that no login is asked for. The edge does not know it, and no visitor reaches it.
 */
export class LocalDoor {
  private server: Bun.Server<undefined> | undefined

  constructor(private needs: { dataDir: string; checkup: Pick<Checkup, "server" | "served">; alerts: Alerts; log: Log }) {}

  start(): void {
    this.server = serveEdgeApi<undefined>(localSocket(this.needs.dataDir), (request) => this.answer(request))
  }

  async stop(): Promise<void> {
    await this.server?.stop(true)
  }

  private async answer(request: Request): Promise<Response> {
    const { checkup, alerts, log } = this.needs
    const { pathname, searchParams } = new URL(request.url)
    try {
      if (request.method === "GET" && pathname === "/checks") {
        const hostname = searchParams.get("hostname")
        return Response.json({ checks: await (hostname === null ? checkup.server() : checkup.served(hostname)) })
      }
      if (request.method === "POST" && pathname === "/alerts/test") return Response.json({ results: await testAlerts(alerts) })
      return Response.json({ error: "there is nothing here" }, { status: 404 })
    } catch (error) {
      if (error instanceof AppError) return Response.json({ error: error.message }, { status: 400 })
      log.error("a question of this machine could not be answered", { error })
      return Response.json({ error: "this could not be answered; Freehold's log says why" }, { status: 500 })
    }
  }
}
