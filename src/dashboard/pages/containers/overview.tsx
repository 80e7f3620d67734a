import { Code } from "../../parts/copy"
import { Fact, Facts, Section } from "../../parts/page"
import { bytes, Time } from "../../parts/time"
import { container as words } from "../../words/container"
import { making } from "../../words/containers"
import { ContainerPage } from "./container-page"
import { type Container, isAdopted, isExternal, useRules } from "./data"
import { Hostnames } from "./hostnames"
import { UseGraphs } from "./use-graphs"

/** How a container stands, where it is reached, what it uses. */
export const Overview = () => (
  <ContainerPage>
    {(container) => (
      <>
        <div className="grid gap-5 lg:grid-cols-2">
          <About container={container} />
          <Hostnames container={container} />
        </div>
        {!isExternal(container) && <UseGraphs container={container} />}
      </>
    )}
  </ContainerPage>
)

const mib = 1024 ** 2
const gib = 1024 ** 3

function About({ container }: { container: Container }) {
  const { id, image, address, ports, created_at: made, restart_policy: policy, restarts = 0 } = container
  return (
    <Section title={words.facts}>
      <Facts>
        {image !== undefined && (
          <Fact name={words.image}>
            <Code text={image} />
          </Fact>
        )}
        <Fact name={words.id}>
          <Code text={id} />
        </Fact>
        {address !== undefined && (
          <Fact name={words.address}>
            <Code text={address} />
          </Fact>
        )}
        {ports !== undefined && (
          <Fact name={words.ports}>
            {Object.entries(ports)
              .map(([port, real]) => `${port} → ${real}`)
              .join(", ")}
          </Fact>
        )}
        {!isExternal(container) && !isAdopted(container) && <Size container={container} />}
        {policy !== undefined && !isAdopted(container) && (
          <Fact name={words.restartPolicy}>
            {making.restartPolicies[policy]}
            {restarts > 0 && <span className="text-dim"> · {`${words.restarts}: ${restarts}`}</span>}
          </Fact>
        )}
        <Own container={container} />
        <Fact name={words.made}>
          <Time at={made} />
        </Fact>
      </Facts>
    </Section>
  )
}

function Size({ container }: { container: Container }) {
  const { instance_type: type, memory_mb: memory, storage_gb: storage, memory_used_mb: used, storage_used_gb: kept } = container
  const all = bytes(memory * mib)
  return (
    <>
      <Fact name={words.size}>{type}</Fact>
      <Fact name={words.memory}>{used === undefined ? all : words.of(bytes(used * mib), all)}</Fact>
      <Fact name={words.kept}>{kept === undefined ? bytes(storage * gib) : words.of(bytes(kept * gib), bytes(storage * gib))}</Fact>
    </>
  )
}

function Own({ container }: { container: Container }) {
  const { data } = useRules(container.id)
  return (
    <Fact name={words.own}>
      <Code text={container.hostname} />
      {data?.rules.length === 0 && <span className="text-sm text-dim">{words.ownClosed}</span>}
    </Fact>
  )
}
