import { useEffect, useRef } from "react"
import { apiOrigin } from "../../data/api"
import { Button } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { tokens } from "../../words/tokens"
import type { NewToken } from "./queries"
import { parsePath, rules, type Scopes } from "./scope-grants"

const tries = { networking: "/api/domain-mappings", compute: "/compute/containers", storage: "/storage/namespaces" }

/** A token just made, this once. It lives in the page's memory alone. */
export function TokenShown({ token, scopes, onDone }: { token: NewToken; scopes: Scopes; onDone: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const [first] = Object.keys(scopes)
  const about = first === undefined ? undefined : parsePath(first)
  const at = (apiOrigin || location.origin) + (about === undefined ? "/api/domain-mappings" : tries[rules[about.kind].root])
  return (
    <section className="flex flex-col gap-4 rounded-lg border border-line bg-card p-4">
      <div>
        <h2 ref={heading} tabIndex={-1} className="text-lg font-semibold">
          {tokens.made(token.name)}
        </h2>
        <p className="text-dim">{tokens.madeText}</p>
      </div>
      <div className="rounded-lg bg-accent-soft p-3">
        <Code text={token.token} />
      </div>
      <div className="flex flex-col gap-1.5">
        <p className="text-sm font-medium">{tokens.try}</p>
        <CodeBlock label={tokens.try} text={`curl -H "Authorization: Bearer ${token.token}" ${at}`} />
      </div>
      <Button kind="primary" className="self-start" onClick={onDone}>
        {tokens.done}
      </Button>
    </section>
  )
}
