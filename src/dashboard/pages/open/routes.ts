import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

/** Pages that nobody has to sign in for. */
export const openRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/login", () => import("./login"), "Login")]
