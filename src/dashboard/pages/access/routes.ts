import type { AnyRoute } from "@tanstack/react-router"
import { offerCommands } from "../../shell/commands"
import { access } from "../../words/access"
import { shell } from "../../words/shell"
import { tokens } from "../../words/tokens"
import { page } from "../route"
import type { ServiceAccount } from "./queries"

export const accessRoutes = (parent: AnyRoute): AnyRoute[] => [
  page(parent, "/access", () => import("./profile"), "Profile"),
  page(parent, "/access/tokens", () => import("./tokens"), "Tokens"),
  page(parent, "/access/tokens/new", () => import("./new-token"), "NewTokenPage"),
  page(parent, "/access/tokens/new-account", () => import("./new-account"), "NewAccountPage"),
  page(parent, "/access/tokens/accounts/$id", () => import("./account"), "AccountPage"),
  page(parent, "/access/sessions", () => import("./sessions"), "Sessions"),
  page(parent, "/access/security", () => import("./security"), "Security"),
  page(parent, "/access/ssh-keys", () => import("./ssh-keys"), "SshKeys"),
]

offerCommands((client) => [
  { label: tokens.newToken, to: "/access/tokens/new" },
  { label: tokens.newAccount, to: "/access/tokens/new-account" },
  { label: access.ssh.add, to: "/access/ssh-keys?add=1" },
  ...(["tokens", "sessions", "security", "ssh-keys"] as const).map((tab) => ({
    label: access.tabs[tab === "ssh-keys" ? "sshKeys" : tab],
    kind: shell.nav.access,
    to: `/access/${tab}`,
  })),
  ...(client.getQueryData<ServiceAccount[]>(["access", "accounts"]) ?? []).map(({ id, name }) => ({
    label: name,
    kind: tokens.accounts,
    to: `/access/tokens/accounts/${id}`,
  })),
])
