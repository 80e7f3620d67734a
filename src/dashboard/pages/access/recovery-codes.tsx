import { useEffect, useRef, useState } from "react"
import { createPortal } from "react-dom"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { Button } from "../../parts/button"
import { CopyButton } from "../../parts/copy"
import { Section } from "../../parts/page"
import { security } from "../../words/security"
import { PasswordDialog } from "./password-dialog"
import type { TwoFactor } from "./queries"

const say = security.codes

/** How many recovery codes are left, and new ones for the password. */
export function RecoveryCodes({ factors, onCodes }: { factors: TwoFactor; onCodes: (codes: string[]) => void }) {
  const [isOpen, setOpen] = useState(false)
  const left = factors.recovery_codes_left
  const what = left === 0 ? say.make : say.renew
  return (
    <Section
      title={say.title}
      actions={
        factors.enabled && (
          <Button small kind={left === 0 ? "primary" : "plain"} onClick={() => setOpen(true)}>
            {what}
          </Button>
        )
      }
    >
      <p className="max-w-prose text-dim">{!factors.enabled ? say.later : left === 0 ? say.none : say.left(left)}</p>
      <PasswordDialog
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={say.makeTitle}
        action={what}
        onConfirm={async (password) => {
          const made = await ask<{ recovery_codes: string[] }>("POST", "/api/settings/recovery-codes", { current_password: password })
          onCodes(made.recovery_codes)
          await refresh("access")
        }}
      >
        {say.makeLead}
      </PasswordDialog>
    </Section>
  )
}

/** Recovery codes just made, this once: to be copied, kept as a file, or printed. */
export function RecoveryCodesShown({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { username } = useSession()
  const heading = useRef<HTMLHeadingElement>(null)
  const text = `${say.fileHead(username, location.host)}${codes.join("\n")}\n`
  useEffect(() => {
    heading.current?.scrollIntoView({ block: "center" })
    heading.current?.focus()
    // On paper there are the codes alone.
    const page = document.querySelector("#root")
    page?.classList.add("print:hidden")
    return () => page?.classList.remove("print:hidden")
  }, [])
  const download = () => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }))
    link.download = say.fileName
    link.click()
    URL.revokeObjectURL(link.href)
  }
  return (
    <section className="flex flex-col gap-4 rounded-lg border border-accent bg-card p-4">
      <div>
        <h2 ref={heading} tabIndex={-1} className="text-lg font-semibold">
          {say.shownTitle}
        </h2>
        <p className="text-dim">{say.shownLead}</p>
      </div>
      <ul aria-label={say.list} className="grid gap-x-8 gap-y-1.5 rounded-lg bg-sunken p-4 sm:max-w-lg sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2">
        <Button onClick={download}>{say.download}</Button>
        <Button onClick={() => window.print()}>{say.print}</Button>
        <CopyButton text={text} label={say.copy} />
        <Button kind="primary" onClick={onDone}>
          {say.done}
        </Button>
      </div>
      {createPortal(<pre className="hidden p-8 print:block">{text}</pre>, document.body)}
    </section>
  )
}
