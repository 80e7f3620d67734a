import { useMutation } from "@tanstack/react-query"
import { KeyRound } from "lucide-react"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { type LoginAnswer, sessionHeaders } from "../../data/session"
import { type Ceremony, getCredential, useKeysHere } from "../../data/webauthn"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { Notice } from "../../parts/status"
import { open } from "../../words/open"
import { signIn } from "../../words/sign-in"
import { enter, useGoOn } from "./after-login"
import { KeysElsewhere } from "./keys-elsewhere"
import { OpenPage } from "./open-page"
import { SecondFactor } from "./second-factor"
import { WayFault } from "./way-fault"

/** Password, then a second factor where there is one; or a passkey alone. */
export function Login() {
  useGoOn()
  const [input, setInput] = useState({ username: "", password: "" })
  const [challenge, setChallenge] = useState<string>()
  const [isOver, setOver] = useState(false)
  const login = useMutation({
    mutationFn: () => ask<LoginAnswer>("POST", "/api/login", input, { headers: sessionHeaders }),
    onMutate: () => setOver(false),
    onSuccess: async (answer) => (answer.requires_2fa ? setChallenge(answer.challenge_token) : enter(answer)),
  })
  const begin = (event: FormEvent) => {
    event.preventDefault()
    login.mutate()
  }
  const beginAgain = (wasOver: boolean) => {
    setChallenge(undefined)
    setOver(wasOver)
    setInput({ ...input, password: "" })
    login.reset()
  }
  if (challenge !== undefined)
    return <SecondFactor challenge={challenge} onOver={() => beginAgain(true)} onBack={() => beginAgain(false)} />
  return (
    <OpenPage title={open.signIn}>
      {isOver && (
        <Notice tone="warn" isAlert>
          {signIn.over}
        </Notice>
      )}
      <form onSubmit={begin} className="flex flex-col gap-4">
        <TextField
          label={open.username}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={input.username}
          onChange={(event) => setInput({ ...input, username: event.target.value })}
        />
        <TextField
          label={open.password}
          type="password"
          autoComplete="current-password"
          required
          value={input.password}
          onChange={(event) => setInput({ ...input, password: event.target.value })}
        />
        {login.error !== null && <WayFault key={login.submittedAt} error={login.error} />}
        <Button kind="primary" type="submit" isBusy={login.isPending}>
          {open.signIn}
        </Button>
      </form>
      <Passkey />
    </OpenPage>
  )
}

/**
 * Asked for by a button alone: a browser that offers passkeys in the field of the name asks the API as soon as the page is there, and each asking
 * counts among the attempts of the address.
 */
function Passkey() {
  const here = useKeysHere()
  const login = useMutation({
    mutationFn: async () => {
      const begun = await ask<Ceremony<PublicKeyCredentialRequestOptionsJSON>>("POST", "/api/webauthn/passkey/begin")
      return ask<LoginAnswer>("POST", "/api/webauthn/passkey/finish", await getCredential(begun), { headers: sessionHeaders })
    },
    onSuccess: enter,
  })
  // The room of the button, so that nothing jumps.
  if (here === undefined) return <div className="h-20" />
  if (!here.canAsk) return <KeysElsewhere at={here.elsewhere} />
  return (
    <div className="flex flex-col gap-3">
      <p className="flex items-center gap-3 text-sm text-dim before:flex-1 before:border-t before:border-line after:flex-1 after:border-t after:border-line">
        {signIn.or}
      </p>
      {login.error !== null && <WayFault key={login.submittedAt} error={login.error} unproved={signIn.unknownPasskey} />}
      <Button isBusy={login.isPending} icon={<KeyRound aria-hidden className="size-4" />} onClick={() => login.mutate()}>
        {signIn.passkey}
      </Button>
    </div>
  )
}
