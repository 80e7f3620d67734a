import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Confirm } from "../../parts/dialog"
import { toast } from "../../parts/toasts"
import { security } from "../../words/security"
import { PasswordDialog } from "./password-dialog"
import { securityKeysQuery, type TwoFactor } from "./queries"

/** Takes all second factors away, after naming them. The password is asked for where the API wants it: for the app. */
export function TurnOff({ factors, isOpen, onClose }: { factors: TwoFactor; isOpen: boolean; onClose: () => void }) {
  const { data: keys = [] } = useQuery(securityKeysQuery)
  const removeKeys = async () => {
    try {
      for (const { id } of keys) await ask("POST", "/api/settings/keys/delete", { id })
    } finally {
      await refresh("access")
    }
    toast(security.turnedOff)
  }
  const content = (
    <>
      <p>{security.turnOffText}</p>
      <ul className="mt-2 list-disc pl-5">
        {factors.totp && <li>{security.app}</li>}
        {keys.map(({ id, name }) => (
          <li key={id}>{name}</li>
        ))}
      </ul>
    </>
  )
  const common = { isOpen, onClose, title: security.turnOffTitle, action: security.turnOff }
  if (!factors.totp) {
    return (
      <Confirm {...common} onConfirm={removeKeys}>
        {content}
      </Confirm>
    )
  }
  return (
    <PasswordDialog
      {...common}
      isDanger
      onConfirm={async (password) => {
        await ask("POST", "/api/settings/totp/delete", { current_password: password })
        await removeKeys()
      }}
    >
      {content}
    </PasswordDialog>
  )
}
