import { useMutation } from "@tanstack/react-query"
import { Button } from "../../parts/button"
import { CodeBlock } from "../../parts/copy"
import { Section } from "../../parts/page"
import { Badge, FaultNotice, Notice } from "../../parts/status"
import { settings as words } from "../../words/container"
import { change, type Container, pathOf, useSsh } from "./data"
import { SshKeys } from "./ssh-keys"

/** The switch of a container for SSH, and how it is reached then. */
export function SshSettings({ container }: { container: Container }) {
  const { data } = useSsh(container.id)
  const isOn = data?.ssh_enabled ?? container.ssh_enabled
  const flip = useMutation({ mutationFn: () => change("PUT", `${pathOf(container.id)}/ssh`, { ssh_enabled: !isOn }) })
  return (
    <Section
      title={
        <span className="flex items-center gap-2">
          {words.ssh}
          <Badge tone={isOn ? "good" : "neutral"}>{isOn ? words.sshOn : words.sshOff}</Badge>
        </span>
      }
      actions={
        <Button small isBusy={flip.isPending} onClick={() => flip.mutate()}>
          {isOn ? words.switchOff : words.switchOn}
        </Button>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-dim">{words.sshHelp}</p>
        {flip.error !== null && <FaultNotice error={flip.error} />}
        {isOn && data?.ssh_command !== undefined && <CodeBlock text={data.ssh_command} label={words.sshCommand} />}
        {isOn && data !== undefined && data.ssh_command === undefined && <Notice tone="warn">{words.sshNotListening}</Notice>}
        {isOn && <SshKeys />}
      </div>
    </Section>
  )
}
