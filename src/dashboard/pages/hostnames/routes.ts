import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const hostnameRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/hostnames", () => import("./hostnames"), "Hostnames")]
