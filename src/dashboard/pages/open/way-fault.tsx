import { ApiFault } from "../../data/api"
import { keyFault } from "../../data/webauthn"
import { FormFault } from "../../parts/form-fault"
import { signIn } from "../../words/sign-in"

/** Why somebody was not let in. `unproved` is said where the API only says that the proof was none. */
export function WayFault({ error, unproved }: { error: unknown; unproved?: string }) {
  const key = keyFault(error)
  const isUnproved = error instanceof ApiFault && error.status === 401 && error.retryAfterSeconds === undefined
  return <FormFault error={error} said={key !== undefined ? signIn.keyFaults[key] : isUnproved ? unproved : undefined} />
}
