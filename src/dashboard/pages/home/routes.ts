import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const homeRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/", () => import("./home"), "Home")]
