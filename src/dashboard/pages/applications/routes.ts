import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const applicationRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/applications", () => import("./applications"), "Applications"),
]
