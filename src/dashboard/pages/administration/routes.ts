import type { AnyRoute } from "@tanstack/react-router"
import { isAdminNow } from "../../data/session"
import { offerCommands } from "../../shell/commands"
import { administration } from "../../words/administration"
import { shell } from "../../words/shell"
import { page } from "../route"
import type { Person } from "./data"

export const administrationRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/administration", () => import("./people"), "People"),
  page(parent, "/administration/people/$id", () => import("./person"), "PersonPage"),
  page(parent, "/administration/sessions", () => import("./sessions"), "Sessions"),
  page(parent, "/administration/settings", () => import("./settings"), "Settings"),
  page(parent, "/administration/certificates", () => import("./certificates"), "Certificates"),
  page(parent, "/administration/system", () => import("./system"), "SystemPage"),
  page(parent, "/administration/doctor", () => import("./doctor"), "Doctor"),
  page(parent, "/administration/alerts", () => import("./alerts"), "Alerts"),
  page(parent, "/administration/backups", () => import("./backups"), "Backups"),
  page(parent, "/administration/audit", () => import("./audit"), "Audit"),
]

const parts = ["sessions", "settings", "certificates", "system", "doctor", "alerts", "backups", "audit"] as const

offerCommands((client) =>
  isAdminNow(client)
    ? [
        ...parts.map((part) => ({ label: administration.parts[part], kind: shell.nav.administration, to: `/administration/${part}` })),
        ...(client.getQueryData<Person[]>(["people"]) ?? []).map(({ user_id: id, username }) => ({
          label: username,
          kind: administration.parts.people,
          to: `/administration/people/${id}`,
        })),
      ]
    : [],
)
