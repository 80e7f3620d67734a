import { Fragment } from "react"
import { CopyButton } from "../../parts/copy"
import { tokens } from "../../words/tokens"
import { type Kind, parsePath, scopeLines, type Scopes } from "./scope-grants"
import type { Thing } from "./things"

const say = tokens.picker

export type ThingsOf = (kind: Kind) => Thing[]

/** How a thing is called; an id that names nothing any more says so. */
export const nameOf = (id: string, things: Thing[]): string => things.find((thing) => thing.id === id)?.name ?? id

/** What scopes let happen, in words, by the names of things; the scope itself on hover. */
export const ScopeList = ({ scopes, things }: { scopes: Scopes; things: ThingsOf }) => (
  <ul className="flex flex-col gap-0.5">
    {Object.entries(scopes).map(([path, actions]) => {
      const about = parsePath(path)
      const kind = about && say.kinds[about.kind]
      return (
        <li key={path} title={scopeLines({ [path]: actions })[0]} className="[overflow-wrap:anywhere]">
          <span className="text-text">
            {about && kind ? (about.id === "" ? kind : say.of(kind, nameOf(about.id, things(about.kind)))) : path}
          </span>
          <span className="text-dim">: {actions.join(", ")}</span>
        </li>
      )
    })}
  </ul>
)

/** Scopes as they are, to be copied for the command line. */
export function ScopeLines({ scopes }: { scopes: Scopes }) {
  const lines = scopeLines(scopes)
  return (
    <div className="flex items-start gap-2 rounded-lg bg-sunken py-2 pr-2 pl-3">
      <pre className="min-w-0 flex-1 py-1 [overflow-wrap:anywhere] whitespace-pre-wrap">
        {lines.map((line) => (
          <span key={line} className="block">
            {/* Where a line is too long for the screen, it goes on between parts. */}
            {line.split(/(?<=[.,=])/).map((part, at) => (
              <Fragment key={at}>
                {part}
                <wbr />
              </Fragment>
            ))}
          </span>
        ))}
      </pre>
      <CopyButton text={lines.join("\n")} />
    </div>
  )
}
