import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const fileRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/files", () => import("./files"), "Files")]
