import type { AnyRoute } from "@tanstack/react-router"
import { page } from "../route"

export const hostnameRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/hostnames", () => import("./hostnames"), "Hostnames"),
  page(parent, "/hostnames/new", () => import("./new-hostname"), "NewHostname"),
  page(parent, "/hostnames/mapping/$id/{-$part}", () => import("./mapping"), "MappingPage"),
  page(parent, "/hostnames/connection/$id/{-$part}", () => import("./connection"), "ConnectionPage"),
]
