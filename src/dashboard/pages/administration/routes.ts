import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const administrationRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/administration", () => import("./administration"), "Administration"),
]
