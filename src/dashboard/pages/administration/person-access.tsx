import { type ReactNode, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button, ButtonLink } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Section } from "../../parts/page"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { administration } from "../../words/administration"
import type { OneTimeLink, Person } from "./data"
import { OnceShown } from "./once-shown"

const words = administration.person

type Asked = "disable" | "factors"

/** What an administrator does about a person's way in; each says what it does before it is done. */
export function PersonAccess({ person, isSelf }: { person: Person; isSelf: boolean }) {
  const { user_id: id, username, is_admin: isAdmin, disabled } = person
  const [asked, setAsked] = useState<Asked>()
  const [link, setLink] = useState<OneTimeLink>()
  const [state, setState] = useState<{ busy?: string; error?: unknown }>({})
  const act = async (busy: string, work: () => Promise<unknown>) => {
    setState({ busy })
    try {
      await work()
      setState({})
      await refresh("people", "sessions")
    } catch (error) {
      setState({ error })
    }
  }
  const setRole = async (toAdmin: boolean) => {
    await ask("PUT", `/admin/users/${id}/role/${toAdmin ? "admin" : "user"}`)
    toast(words.roleNow(username, toAdmin))
  }
  const enable = async () => {
    await ask("POST", `/admin/users/${id}/enable`)
    toast(words.enabledNow(username))
  }
  const disable = async () => {
    await ask("POST", `/admin/users/${id}/disable`)
    await refresh("people", "sessions")
    toast(words.disabledNow(username), () => void act("enable", enable))
  }
  const removeFactors = async () => {
    await ask("DELETE", `/admin/users/${id}/two-factor`)
    toast(words.factorsNow(username))
  }
  const button = (name: string, label: string, onClick: () => void, isDanger = false) => (
    <Button small kind={isDanger ? "danger" : "plain"} isBusy={state.busy === name} onClick={onClick} className="min-w-44">
      {label}
    </Button>
  )
  return (
    <Section title={words.access}>
      <ul className="-my-2 divide-y divide-line">
        <Act what={words.resetWhat}>
          {button(
            "reset",
            words.reset,
            () => void act("reset", async () => setLink(await ask<OneTimeLink>("POST", `/admin/users/${id}/reset`))),
          )}
        </Act>
        <Act what={words.factorsWhat}>{button("factors", words.factors, () => setAsked("factors"))}</Act>
        <Act what={words.roleWhat}>
          {button("role", isAdmin ? words.demote : words.promote, () => void act("role", () => setRole(!isAdmin)))}
        </Act>
        {!isSelf && (
          <Act what={words.disableWhat}>
            {disabled
              ? button("enable", words.enable, () => void act("enable", enable))
              : button("disable", words.disable, () => setAsked("disable"), true)}
          </Act>
        )}
        <Act what={words.sessionsWhat}>
          <ButtonLink small to="/administration/sessions" search={{ person: username } as never} className="min-w-44">
            {words.sessions}
          </ButtonLink>
        </Act>
        <Act what={words.trailWhat}>
          <ButtonLink small to="/administration/audit" search={{ person: username } as never} className="min-w-44">
            {words.trail}
          </ButtonLink>
        </Act>
      </ul>
      {state.error !== undefined && <FaultNotice error={state.error} className="mt-3" />}
      <Confirm
        isOpen={asked === "disable"}
        onClose={() => setAsked(undefined)}
        title={`${words.disable}: ${username}`}
        action={words.disable}
        onConfirm={disable}
      >
        {words.disableWhat}
      </Confirm>
      <Confirm
        isOpen={asked === "factors"}
        onClose={() => setAsked(undefined)}
        title={`${words.factors}: ${username}`}
        action={words.factors}
        onConfirm={removeFactors}
      >
        {words.factorsWhat}
      </Confirm>
      <OnceShown link={link} onClose={() => setLink(undefined)} />
    </Section>
  )
}

const Act = ({ what, children }: { what: string; children: ReactNode }) => (
  <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 py-2.5">
    <span className="max-w-prose flex-1 basis-64 text-dim">{what}</span>
    {children}
  </li>
)
