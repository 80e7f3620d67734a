import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

/** A namespace's name stands behind `in`, so that no name of one is that of another page. */
export const fileRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/files", () => import("./namespaces"), "Namespaces"),
  page(parent, "/files/in/$namespace", () => import("./folder"), "Folder"),
  page(parent, "/files/in/$namespace/file", () => import("./file"), "File"),
  page(parent, "/files/keys", () => import("./keys"), "Keys"),
  page(parent, "/files/admin", () => import("./admin"), "Admin"),
]
