import { offerCommands } from "../../shell/commands"
import { containers } from "../../words/containers"
import { type Container, listKey } from "./data"

/** What the palette offers of containers: those that are known, and what can be begun. */
export const offerContainers = (): void =>
  offerCommands((client) => [
    { label: containers.newContainer, kind: containers.title, to: "/containers/new" },
    { label: containers.registries, kind: containers.title, to: "/containers/registries" },
    ...(client.getQueryData<{ containers: Container[] }>(listKey)?.containers ?? []).map(({ id, name }) => ({
      label: name,
      kind: `${containers.container} ${id}`,
      to: `/containers/${id}`,
    })),
  ])
