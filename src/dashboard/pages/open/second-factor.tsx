import { useMutation, useQuery } from "@tanstack/react-query"
import { KeyRound } from "lucide-react"
import { type FormEvent, useEffect, useState } from "react"
import { ApiFault, ask } from "../../data/api"
import { type LoginAnswer, sessionHeaders } from "../../data/session"
import { type Ceremony, getCredential, useKeysHere } from "../../data/webauthn"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { FaultNotice, Notice, SkeletonRows } from "../../parts/status"
import { signIn } from "../../words/sign-in"
import { enter } from "./after-login"
import { KeysElsewhere } from "./keys-elsewhere"
import { OpenPage } from "./open-page"
import { WayFault } from "./way-fault"

type Factor = "webauthn" | "totp" | "recovery_code"
type Factors = { factors: Factor[]; username: string }

const order: Factor[] = ["webauthn", "totp", "recovery_code"]

/** The step after the password. The challenge lives in this page's memory alone, for the five minutes that it is good for. */
export function SecondFactor({ challenge, onOver, onBack }: { challenge: string; onOver: () => void; onBack: () => void }) {
  const [chosen, choose] = useState<Factor>()
  const here = useKeysHere()
  const headers = { authorization: `Bearer ${challenge}` }
  const known = useQuery({
    queryKey: ["session", "factors", challenge],
    queryFn: ({ signal }) => ask<Factors>("GET", "/api/login/factors", undefined, { signal, headers }),
    gcTime: 0,
    staleTime: Infinity,
  })
  useEffect(() => {
    if (isOver(known.error)) onOver()
  }, [known.error, onOver])
  if (known.data === undefined || here === undefined) {
    return (
      <OpenPage title={signIn.confirm} isNext>
        {known.error === null ? <SkeletonRows rows={2} /> : <FaultNotice error={known.error} onRetry={() => void known.refetch()} />}
      </OpenPage>
    )
  }
  const { factors, username } = known.data
  const usable = order.filter((factor) => factors.includes(factor) && (factor !== "webauthn" || here.canAsk))
  const now = chosen ?? usable[0]
  return (
    <OpenPage title={signIn.confirm} lead={signIn.owes(username)} isNext>
      {now === "webauthn" && <WithKey headers={headers} onOver={onOver} />}
      {(now === "totp" || now === "recovery_code") && <WithCode key={now} factor={now} headers={headers} onOver={onOver} />}
      {now === undefined && <Notice tone="warn">{signIn.stuck}</Notice>}
      {factors.includes("webauthn") && !here.canAsk && <KeysElsewhere at={here.elsewhere} />}
      <div className="flex flex-col items-start gap-1 border-t border-line pt-4">
        {usable
          .filter((factor) => factor !== now)
          .map((factor) => (
            <Button key={factor} kind="quiet" className="-ml-3 text-accent!" onClick={() => choose(factor)}>
              {signIn[factor].use}
            </Button>
          ))}
        <Button kind="quiet" className="-ml-3 text-accent!" onClick={onBack}>
          {signIn.back}
        </Button>
        <p className="mt-1 text-sm text-dim">{signIn.askAdministrator}</p>
      </div>
    </OpenPage>
  )
}

type Way = { headers: Record<string, string>; onOver: () => void }

function WithKey({ headers, onOver }: Way) {
  const login = useMutation({
    mutationFn: async () => {
      const begun = await ask<Ceremony<PublicKeyCredentialRequestOptionsJSON>>("POST", "/api/webauthn/login/begin", undefined, { headers })
      return ask<LoginAnswer>("POST", "/api/webauthn/login/finish", await getCredential(begun), { headers: sessionHeaders })
    },
    onSuccess: enter,
    onError: (error) => isOver(error) && onOver(),
  })
  return (
    <section className="flex flex-col gap-4">
      <div>
        <h2 className="font-semibold">{signIn.webauthn.title}</h2>
        <p className="text-dim">{signIn.webauthn.lead}</p>
      </div>
      {login.error !== null && <WayFault key={login.submittedAt} error={login.error} unproved={signIn.unproved} />}
      <Button
        kind="primary"
        autoFocus
        isBusy={login.isPending}
        icon={<KeyRound aria-hidden className="size-4" />}
        onClick={() => login.mutate()}
      >
        {login.isPending ? signIn.webauthn.waiting : signIn.webauthn.use}
      </Button>
    </section>
  )
}

function WithCode({ factor, headers, onOver }: Way & { factor: "totp" | "recovery_code" }) {
  const words = signIn[factor]
  const [code, setCode] = useState("")
  const path = factor === "totp" ? "/api/login/totp" : "/api/login/recovery-code"
  const login = useMutation({
    mutationFn: () => ask<LoginAnswer>("POST", path, { code }, { headers: { ...headers, ...sessionHeaders } }),
    onSuccess: enter,
    onError: (error) => isOver(error) && onOver(),
  })
  const confirm = (event: FormEvent) => {
    event.preventDefault()
    login.mutate()
  }
  return (
    <form onSubmit={confirm} className="flex flex-col gap-4">
      <h2 className="font-semibold">{words.title}</h2>
      <TextField
        label={words.label}
        hint={words.hint}
        isCode
        autoFocus
        required
        autoComplete={factor === "totp" ? "one-time-code" : "off"}
        inputMode={factor === "totp" ? "numeric" : "text"}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      {login.error !== null && <WayFault key={login.submittedAt} error={login.error} unproved={signIn.unproved} />}
      <Button kind="primary" type="submit" isBusy={login.isPending}>
        {signIn.confirmCode}
      </Button>
    </form>
  )
}

/** Whether the password has to be shown again: the challenge is over, not the proof wrong. */
const isOver = (error: unknown): boolean => error instanceof ApiFault && error.status === 401 && /challenge token/i.test(error.message)
