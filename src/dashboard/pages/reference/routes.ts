import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const referenceRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/reference", () => import("./reference"), "Reference")]
