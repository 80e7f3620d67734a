import { useEffect, useRef } from "react"
import { apiOrigin } from "../../data/api"
import { Button } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { tokens } from "../../words/tokens"
import type { NewToken } from "./queries"
import { type Kind, parsePath, type Scopes } from "./scope-grants"

/** A request that these scopes let through, for a first try; undefined where they read nothing. */
function readablePath(scopes: Scopes): string | undefined {
  for (const [path, actions] of Object.entries(scopes)) {
    const about = parsePath(path)
    if (about === undefined || !actions.includes("read")) continue
    const id = encodeURIComponent(about.id)
    const paths: Partial<Record<Kind, string>> = {
      networking: "/api/domain-mappings",
      "domain-mappings": id ? `/api/domain-mappings/${id}/timeline` : "/api/domain-mappings",
      domains: id ? undefined : "/api/domains",
      compute: "/compute/containers",
      containers: id ? `/compute/containers/${id}` : "/compute/containers",
      keys: id ? undefined : "/compute/ssh-keys",
      storage: "/storage/namespaces",
      namespaces: id ? `/storage/namespaces/${id}` : "/storage/namespaces",
      files: id ? `/storage/files?namespace=${id}` : undefined,
    }
    if (paths[about.kind] !== undefined) return paths[about.kind]
  }
  return undefined
}

/** A token just made, this once. It lives in the page's memory alone. */
export function TokenShown({ token, scopes, onDone }: { token: NewToken; scopes: Scopes; onDone: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const path = readablePath(scopes)
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
      {path !== undefined && (
        <div className="flex flex-col gap-1.5">
          <p className="text-sm font-medium">{tokens.try}</p>
          <CodeBlock label={tokens.try} text={`curl -H "Authorization: Bearer $TOKEN" "${(apiOrigin || location.origin) + path}"`} />
        </div>
      )}
      <Button kind="primary" className="self-start" onClick={onDone}>
        {tokens.done}
      </Button>
    </section>
  )
}
