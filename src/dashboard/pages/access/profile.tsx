import { useMutation, useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { ChevronRight } from "lucide-react"
import { type FormEvent, type ReactNode, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { CheckField, TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { access } from "../../words/access"
import { FormFault } from "../../parts/form-fault"
import { AccessFrame } from "./frame"
import { accountsQuery, ownSessionsQuery, sshKeysQuery, tokensQuery, twoFactorQuery } from "./queries"
import { isEnding } from "./token-time"

/** Who somebody is, what is let in in their name, their name and their password. */
export function Profile() {
  return (
    <AccessFrame title={access.title} lead={access.lead}>
      <Overview />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <You />
        <Password />
      </div>
    </AccessFrame>
  )
}

function Overview() {
  const own = useQuery(tokensQuery).data?.filter(({ service_account_id: account }) => account === undefined)
  const accounts = useQuery(accountsQuery).data
  const sessions = useQuery(ownSessionsQuery).data
  const factors = useQuery(twoFactorQuery).data
  const keys = useQuery(sshKeysQuery).data
  const say = access.overview
  return (
    <section aria-label={access.inYourName}>
      <h2 className="mb-2 font-semibold">{access.inYourName}</h2>
      <ul className="divide-y divide-line rounded-lg border border-line bg-card">
        <Row to="/access/tokens" name={access.tabs.tokens}>
          {own && say.tokens(own.length, own.filter(isEnding).length)}
        </Row>
        <Row to="/access/tokens" name={access.accounts}>
          {accounts &&
            say.accounts(
              accounts.length,
              accounts.reduce((sum, { token_count: count }) => sum + count, 0),
            )}
        </Row>
        <Row to="/access/sessions" name={access.tabs.sessions}>
          {sessions && say.sessions(sessions.length)}
        </Row>
        <Row to="/access/security" name={access.tabs.security}>
          {factors && (factors.enabled ? say.factors(factors) : say.off)}
        </Row>
        <Row to="/access/ssh-keys" name={access.tabs.sshKeys}>
          {keys && say.sshKeys(keys.length)}
        </Row>
      </ul>
    </section>
  )
}

const Row = ({ to, name, children }: { to: string; name: string; children: ReactNode }) => (
  <li>
    <Link to={to} className="flex items-center gap-x-4 px-4 py-2.5 hover:bg-hover">
      <span className="grid min-w-0 flex-1 gap-x-4 sm:grid-cols-[12rem_1fr]">
        <span className="font-medium">{name}</span>
        <span className="text-dim">{children ?? <Skeleton className="my-1 h-4 w-32" />}</span>
      </span>
      <ChevronRight aria-hidden className="size-4 text-dim" />
    </Link>
  </li>
)

function You() {
  const { username, user_id: id, is_admin: isAdmin, display_name: now } = useSession()
  const [name, setName] = useState(now)
  const save = useMutation({
    mutationFn: () => ask("PUT", "/api/settings/profile", { display_name: name }),
    onSuccess: async () => {
      await refresh("session", "people")
      toast(access.nameSaved)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Section title={access.you}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-1.5">
        <dt className="text-dim">{access.username}</dt>
        <dd className="[overflow-wrap:anywhere]">{username}</dd>
        <dt className="text-dim">{access.role}</dt>
        <dd>{isAdmin ? access.administrator : access.user}</dd>
        <dt className="text-dim">{access.userId}</dt>
        <dd>
          <Code text={id} />
        </dd>
      </dl>
      <form onSubmit={submit} className="mt-4 flex flex-col gap-4">
        <TextField
          label={access.displayName}
          hint={access.displayNameHint}
          autoComplete="name"
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <FormFault error={save.error} />
        <Button type="submit" className="self-start" isBusy={save.isPending} disabled={name.trim() === now}>
          {access.saveName}
        </Button>
      </form>
    </Section>
  )
}

const nothing = { current_password: "", new_password: "" }

function Password() {
  const { username } = useSession()
  const [input, setInput] = useState(nothing)
  const [isShown, setShown] = useState(false)
  const change = useMutation({
    mutationFn: () => ask("PUT", "/api/settings/password", input),
    onSuccess: async () => {
      setInput(nothing)
      setShown(false)
      toast(access.passwordChanged)
      await refresh("sessions")
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  const type = isShown ? "text" : "password"
  return (
    <Section title={access.password}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {/* For whatever keeps passwords, which has to know whose this is. */}
        <input type="text" autoComplete="username" value={username} readOnly hidden />
        <TextField
          label={access.currentPassword}
          type={type}
          autoComplete="current-password"
          required
          value={input.current_password}
          onChange={(event) => setInput({ ...input, current_password: event.target.value })}
        />
        <TextField
          label={access.newPassword}
          hint={access.newPasswordHint}
          type={type}
          autoComplete="new-password"
          required
          minLength={10}
          maxLength={256}
          value={input.new_password}
          onChange={(event) => setInput({ ...input, new_password: event.target.value })}
        />
        <CheckField label={access.showPasswords} checked={isShown} onChange={(event) => setShown(event.target.checked)} />
        <FormFault error={change.error} />
        <p className="text-sm text-dim">{access.passwordEnds}</p>
        <Button type="submit" className="self-start" isBusy={change.isPending}>
          {access.changePassword}
        </Button>
      </form>
    </Section>
  )
}
