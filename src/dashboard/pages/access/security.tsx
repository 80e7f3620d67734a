import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Button } from "../../parts/button"
import { Loaded } from "../../parts/loaded"
import { Notice, SkeletonRows } from "../../parts/status"
import { access } from "../../words/access"
import { security } from "../../words/security"
import { AuthenticatorApp } from "./authenticator-app"
import { AccessFrame } from "./frame"
import { twoFactorQuery } from "./queries"
import { RecoveryCodes, RecoveryCodesShown } from "./recovery-codes"
import { SecurityKeys } from "./security-keys"
import { TurnOff } from "./turn-off"

/** Second factors: whether they are on, which there are, and what helps when they are lost. */
export function Security() {
  const query = useQuery(twoFactorQuery)
  const [codes, setCodes] = useState<string[]>()
  const [isTurningOff, setTurningOff] = useState(false)
  return (
    <AccessFrame title={access.tabs.security} lead={security.lead}>
      <Loaded query={query} skeleton={<SkeletonRows rows={3} className="h-28" />}>
        {(factors) => (
          <>
            <Notice
              tone={factors.enabled ? "good" : "warn"}
              title={factors.enabled ? security.status.on : security.status.off}
              action={
                factors.enabled && (
                  <Button small kind="danger" className="self-start" onClick={() => setTurningOff(true)}>
                    {security.turnOff}
                  </Button>
                )
              }
            >
              {factors.enabled ? security.onText : security.offText}
            </Notice>
            {codes !== undefined && <RecoveryCodesShown codes={codes} onDone={() => setCodes(undefined)} />}
            <SecurityKeys factors={factors} />
            <AuthenticatorApp factors={factors} onCodes={setCodes} />
            <RecoveryCodes factors={factors} onCodes={setCodes} />
            <TurnOff factors={factors} isOpen={isTurningOff} onClose={() => setTurningOff(false)} />
          </>
        )}
      </Loaded>
    </AccessFrame>
  )
}
