import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"
import { offerContainers } from "./commands"

offerContainers()

export const containerRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/containers", () => import("./containers"), "Containers"),
  page(parent, "/containers/new", () => import("./new-container"), "NewContainer"),
  page(parent, "/containers/adopt", () => import("./adopt"), "Adopt"),
  page(parent, "/containers/registries", () => import("./registries"), "Registries"),
  page(parent, "/containers/$id", () => import("./overview"), "Overview"),
  page(parent, "/containers/$id/logs", () => import("./logs"), "Logs"),
  page(parent, "/containers/$id/terminal", () => import("./terminal"), "Terminal"),
  page(parent, "/containers/$id/settings", () => import("./settings"), "Settings"),
  page(parent, "/containers/$id/danger", () => import("./danger"), "Danger"),
]
