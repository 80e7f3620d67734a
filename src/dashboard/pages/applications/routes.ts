import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const applicationRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/applications", () => import("./applications"), "Applications"),
  page(parent, "/applications/$id", () => import("./overview"), "Overview"),
  page(parent, "/applications/$id/connections", () => import("./connections"), "Connections"),
  page(parent, "/applications/$id/keys", () => import("./keys"), "Keys"),
  page(parent, "/applications/$id/credentials", () => import("./credentials"), "Credentials"),
  page(parent, "/applications/$id/webhooks", () => import("./webhooks"), "Webhooks"),
  page(parent, "/applications/$id/webhooks/$endpoint", () => import("./endpoint"), "EndpointPage"),
  page(parent, "/applications/$id/widget", () => import("./widget"), "Widget"),
]
