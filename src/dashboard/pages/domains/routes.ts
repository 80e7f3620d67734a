import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const domainRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/domains", () => import("./domains"), "Domains")]
