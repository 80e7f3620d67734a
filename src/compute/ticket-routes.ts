import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { Tickets } from "./tickets"

/** `POST /compute/tickets` with the path of the WebSocket that the ticket is to open. Any token will do; what it may open is decided there. */
export const ticketRoutes = (
  tickets: Tickets,
  principal: (request: Request) => Promise<{ personId: string }>,
  isSocketPath: (path: string) => boolean,
) =>
  new Elysia({ name: "ticket-routes" }).post(
    "/compute/tickets",
    async ({ request, set }) => {
      const { personId } = await principal(request)
      const { path } = await readJsonObject(request, "invalid request body")
      if (typeof path !== "string" || !isSocketPath(path))
        throw new AppError("invalid", "path must be that of a WebSocket, such as /compute/ws")
      set.headers["cache-control"] = "no-store"
      return tickets.issue(personId, request.headers, path)
    },
    { parse: "none" },
  )
