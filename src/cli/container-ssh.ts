import { UsageError } from "./arguments"
import type { Command } from "./command"
import { fields } from "./output"

type Switch = { ssh_enabled: boolean; ssh_command?: string }

/** `containers ssh`: whether a container is open for SSH and how it is reached, and the switch. */
export const sshCommand: Command = {
  rest: [1, 2],
  async run({ api, show, rest }) {
    const [id = "", word] = rest
    if (word !== undefined && word !== "on" && word !== "off") throw new UsageError(`ssh is switched on or off, not "${word}"`)
    const path = `/compute/containers/${encodeURIComponent(id)}/ssh`
    const answer = word === undefined ? await api.get<Switch>(path) : await api.put<Switch>(path, { ssh_enabled: word === "on" })
    show(answer, ({ ssh_enabled, ssh_command }) => fields({ ssh: ssh_enabled ? "on" : "off", command: ssh_command }))
  },
}
