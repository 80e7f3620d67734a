import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const accessRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/access", () => import("./access"), "Access")]
