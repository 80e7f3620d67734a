import { CodeBlock } from "../../parts/copy"
import { Notice } from "../../parts/status"
import { containers } from "../../words/containers"
import { useEngine } from "./data"

/** Says that there is no engine, with what to install, or that it does not answer; nothing while it does. */
export function EngineNotice() {
  const { data } = useEngine()
  if (data === undefined || data.state === "ready") return null
  if (data.state === "away")
    return (
      <Notice tone="warn" title={containers.engineAwayTitle}>
        <p>{data.detail}</p>
        <p>{containers.engineAway}</p>
      </Notice>
    )
  return (
    <Notice tone="info" title={containers.noEngineTitle}>
      <p className="mb-2 max-w-prose">{containers.noEngine}</p>
      <CodeBlock text={containers.noEngineCommands} label={containers.noEngineCommandsLabel} />
    </Notice>
  )
}
