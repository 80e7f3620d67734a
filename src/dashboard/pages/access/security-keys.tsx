import { useQuery } from "@tanstack/react-query"
import { KeyRound } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useKeysHere } from "../../data/webauthn"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Menu } from "../../parts/menu"
import { Section } from "../../parts/page"
import { SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { security } from "../../words/security"
import { AddKey, RenameKey } from "./key-dialogs"
import { type SecurityKey, securityKeysQuery, type TwoFactor } from "./queries"

const say = security.keys

type Open = { what: "add" } | { what: "rename" | "delete"; key: SecurityKey }

/** Security keys and passkeys; where this page cannot ask for one, the way to the page that can. */
export function SecurityKeys({ factors }: { factors: TwoFactor }) {
  const query = useQuery(securityKeysQuery)
  const here = useKeysHere()
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const deleting = open?.what === "delete" ? open.key : undefined
  return (
    <Section
      title={say.title}
      actions={
        here?.canAsk && (
          <Button small onClick={() => setOpen({ what: "add" })}>
            {say.add}
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-3">
        <Loaded query={query} skeleton={<SkeletonRows rows={1} />}>
          {(keys) =>
            keys.length === 0 ? (
              <p className="max-w-prose text-dim">{say.empty}</p>
            ) : (
              <ul aria-label={say.list} className="-my-2 divide-y divide-line">
                {keys.map((key) => (
                  <Row key={key.id} securityKey={key} onOpen={(what) => setOpen({ what, key })} />
                ))}
              </ul>
            )
          }
        </Loaded>
        {here?.canAsk === false && (
          <p className="text-dim">
            {say.elsewhere}{" "}
            <a href={`${here.elsewhere}/access/security`} className="text-accent underline [overflow-wrap:anywhere]">
              {here.elsewhere}
            </a>
          </p>
        )}
      </div>
      {open?.what === "add" && <AddKey onClose={close} />}
      {open?.what === "rename" && <RenameKey securityKey={open.key} onClose={close} />}
      <Confirm
        isOpen={deleting !== undefined}
        onClose={close}
        title={say.deleteTitle(deleting?.name ?? "")}
        action={say.delete}
        onConfirm={async () => {
          if (deleting === undefined) return
          await ask("POST", "/api/settings/keys/delete", { id: deleting.id })
          await refresh("access")
          toast(say.deleted(deleting.name))
        }}
      >
        <p>{say.deleteText}</p>
        {factors.keys === 1 && !factors.totp && <p className="mt-2 font-medium">{say.deleteLast}</p>}
      </Confirm>
    </Section>
  )
}

const Row = ({ securityKey: key, onOpen }: { securityKey: SecurityKey; onOpen: (what: "rename" | "delete") => void }) => (
  <li className="flex items-center gap-3 py-2">
    <KeyRound aria-hidden className="size-5 shrink-0 text-dim" />
    <div className="min-w-0 flex-1">
      <p className="font-medium [overflow-wrap:anywhere]">{key.name}</p>
      <p className="flex flex-wrap gap-x-4 text-sm text-dim">
        <span>
          {say.addedAt} <Time at={key.created_at} />
        </span>
        {key.last_used_at === 0 ? (
          <span>{say.unused}</span>
        ) : (
          <span>
            {say.used} <Time at={key.last_used_at} />
          </span>
        )}
      </p>
    </div>
    <Menu
      label={say.menu(key.name)}
      items={[
        { label: say.rename, onSelect: () => onOpen("rename") },
        { label: say.delete, isDanger: true, onSelect: () => onOpen("delete") },
      ]}
    />
  </li>
)
