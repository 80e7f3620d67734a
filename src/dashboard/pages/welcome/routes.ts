import type { AnyRoute } from "@tanstack/react-router"
import { type Session, sessionQuery } from "../../data/session"
import { offerCommands } from "../../shell/commands"
import { welcome } from "../../words/welcome"
import { page } from "../route"

export const welcomeRoutes = (parent: AnyRoute): AnyRoute[] => [page(parent, "/welcome", () => import("./welcome"), "Welcome")]

offerCommands((client) =>
  client.getQueryData<Session | null>(sessionQuery.queryKey)?.is_admin === true ? [{ label: welcome.title, to: "/welcome" }] : [],
)
