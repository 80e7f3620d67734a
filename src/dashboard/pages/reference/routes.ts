import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const referenceRoutes = (parent: AnyRoute): AnyRoute[] =>
  ["/reference", "/reference/$family", "/reference/$family/$operation"].map((path) =>
    page(parent, path, () => import("./reference"), "Reference"),
  )
