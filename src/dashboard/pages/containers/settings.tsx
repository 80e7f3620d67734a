import { Notice } from "../../parts/status"
import { settings as words } from "../../words/container"
import { ApplicationSettings } from "./application-settings"
import { ContainerPage } from "./container-page"
import { isAdopted, isExternal } from "./data"
import { MountSettings } from "./mount-settings"
import { PortSettings } from "./port-settings"
import { SshSettings } from "./ssh-settings"

/** What may be changed of a container. */
export const Settings = () => (
  <ContainerPage>
    {(container) => (
      <>
        {isExternal(container) && <Notice title={words.externalTitle}>{words.external}</Notice>}
        {isAdopted(container) && <Notice title={words.adoptedTitle}>{words.adopted}</Notice>}
        {!isExternal(container) && !isAdopted(container) && <ApplicationSettings key={container.id} container={container} />}
        <PortSettings container={container} />
        {!isExternal(container) && !isAdopted(container) && <MountSettings container={container} />}
        {!isExternal(container) && <SshSettings container={container} />}
      </>
    )}
  </ContainerPage>
)
