import { Notice } from "../../parts/status"
import { container as pageWords, terminal as words } from "../../words/container"
import { ContainerPage } from "./container-page"
import { isExternal } from "./data"
import { stateOf } from "./state"
import { TerminalScreen } from "./terminal-screen"

/** A shell in a container that runs. */
export const Terminal = () => (
  <ContainerPage>
    {(container) => {
      if (isExternal(container)) return <Notice>{pageWords.noTerminal}</Notice>
      // A screen that is open stays, with what it said last, when the container ends.
      return (
        <TerminalScreen
          key={container.id}
          id={container.id}
          waits={container.status === "running" ? undefined : words.waits(stateOf(container).word)}
        />
      )
    }}
  </ContainerPage>
)
