import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const containerRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/containers", () => import("./containers"), "Containers")]
