import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Section } from "../../parts/page"
import { Badge, Notice } from "../../parts/status"
import { Cell, TitledTable } from "../../parts/table"
import { bytes, Time } from "../../parts/time"
import { house } from "../../words/house"
import { DnsFacts, type Dns } from "./dns-facts"
import { AdminPage } from "./frame"
import { type Program, Version } from "./version"

const words = house.system

type System = {
  version: string
  program: Program
  runtime: string
  base_domain: string
  data_dir: string
  started_at: string
  memory_bytes: number
  disk: { total_bytes: number; free_bytes: number; floor_bytes: number }
  engine: {
    state: keyof typeof words.engineStates
    socket: string | null
    kind: string | null
    version: string | null
    problem: string | null
    since: string | null
  }
  listeners: { name: string; setting: string; address: string; port: number; purpose: string }[]
  dns: Dns
}

/** The appliance itself: memory, disk, version, engine, where it listens, and DNS both ways. */
export const SystemPage = () => <AdminPage part="system">{() => <Shown />}</AdminPage>

function Shown() {
  const query = useQuery({
    queryKey: ["settings", "system"],
    queryFn: ({ signal }) => ask<System>("GET", "/admin/system", undefined, { signal }),
    refetchInterval: 10_000,
  })
  return (
    <Loaded query={query}>
      {(system) => (
        <>
          <Appliance system={system} />
          <Version {...system} />
          <Engine engine={system.engine} />
          <TitledTable label={words.listeners} head={words.listenersHead}>
            {system.listeners.map(({ name, setting, address, port, purpose }) => (
              <tr key={setting}>
                <Cell className="font-medium">{name}</Cell>
                <Cell className="whitespace-nowrap">{address}</Cell>
                <Cell className="tabular-nums">{port}</Cell>
                <Cell className="min-w-44">{purpose}</Cell>
                <Cell>
                  <code>{setting}</code>
                </Cell>
              </tr>
            ))}
          </TitledTable>
          <Section title={words.dns}>
            <DnsFacts dns={system.dns} />
          </Section>
        </>
      )}
    </Loaded>
  )
}

const Appliance = ({ system: { disk, ...system } }: { system: System }) => (
  <Section title={words.appliance}>
    <Facts>
      <Fact name={words.up}>
        <Time at={system.started_at} />
      </Fact>
      <Fact name={words.memory}>{bytes(system.memory_bytes)}</Fact>
      <Fact name={words.domain}>
        <code>{system.base_domain}</code>
      </Fact>
      <Fact name={words.folder}>
        <code>{system.data_dir}</code>
      </Fact>
      <Fact name={words.disk}>
        {words.diskFree(bytes(disk.free_bytes), bytes(disk.total_bytes))}
        {disk.floor_bytes > 0 && <span className="block text-sm text-dim">{words.floor(bytes(disk.floor_bytes))}</span>}
      </Fact>
    </Facts>
  </Section>
)

const tones = { none: "neutral", not_found: "warn", reachable: "good", away: "bad" } as const

const Engine = ({ engine: { state, socket, kind, version, problem, since } }: { engine: System["engine"] }) => (
  <Section title={words.engine}>
    <Facts>
      <Fact name={words.state}>
        <Badge tone={tones[state]}>{words.engineStates[state]}</Badge>
        {since !== null && (
          <span className="ml-2 text-dim">
            {words.since} <Time at={since} />
          </span>
        )}
      </Fact>
      {kind !== null && (
        <Fact name={words.kind}>
          {kind} {version}
        </Fact>
      )}
      {socket !== null && (
        <Fact name={words.socket}>
          <code>{socket}</code>
        </Fact>
      )}
    </Facts>
    {state !== "reachable" && (
      <Notice tone={state === "none" ? "info" : tones[state]} title={problem ?? undefined} className="mt-4">
        {words.engineHelp[state]}
      </Notice>
    )}
  </Section>
)
