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
