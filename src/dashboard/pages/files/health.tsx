import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts } from "../../parts/page"
import { Badge, Notice, Skeleton } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { bytes, Time } from "../../parts/time"
import { files } from "../../words/files"
import { type Status, statusQuery } from "./model"

const words = files.people

type Fault = {
  hash: string
  kind: "missing" | "damaged"
  detail: string
  found_at: number
  objects: { namespace: string; name: string; version_id: string }[]
}

/** Whether what is on disk is what was written: the last reading of everything, and what it found. */
export function Health() {
  const status = useQuery(statusQuery)
  const faults = useQuery({
    queryKey: ["files", "faults"],
    queryFn: ({ signal }) => ask<Fault[]>("GET", "/storage/admin/faults", undefined, { signal }),
  })
  return (
    <div className="flex flex-col gap-4">
      <Loaded query={status} skeleton={<Skeleton className="h-12" />}>
        {({ last_scrub: scrub, objects, used_bytes: used }) => (
          <Facts>
            <Fact name={words.lastRead}>
              <LastRead scrub={scrub} />
            </Fact>
            {scrub !== null && <Fact name={words.read}>{words.readSoFar(scrub.objects, bytes(scrub.bytes))}</Fact>}
            <Fact name={words.stored}>{`${files.files(objects)}, ${bytes(used)}`}</Fact>
          </Facts>
        )}
      </Loaded>
      <Loaded query={faults} skeleton={<Skeleton className="h-12" />}>
        {(list) =>
          list.length === 0 ? (
            <Notice tone="good">{words.whole}</Notice>
          ) : (
            <>
              <Notice tone="bad" title={words.faults(list.length)}>
                {words.faultsWhat}
              </Notice>
              <Table label={words.faults(list.length)} head={words.faultColumns}>
                {list.map(({ hash, kind, detail, found_at: at, objects }) => (
                  <tr key={hash}>
                    <Cell>
                      <Badge tone="bad">{words.faultKind[kind]}</Badge>
                      <span className="block text-sm text-dim">{detail}</span>
                    </Cell>
                    <Cell>
                      <Time at={at} />
                    </Cell>
                    <Cell className="[overflow-wrap:anywhere]">
                      {objects.length === 0 ? words.nothing : objects.map(({ namespace, name }) => `${namespace}/${name}`).join(", ")}
                    </Cell>
                    <Cell>
                      <code title={hash}>{hash.slice(0, 12)}</code>
                    </Cell>
                  </tr>
                ))}
              </Table>
            </>
          )
        }
      </Loaded>
    </div>
  )
}

function LastRead({ scrub }: { scrub: Status["last_scrub"] }) {
  if (scrub === null) return words.neverRead
  if (scrub.finished_at === null) return words.reading
  return <Time at={scrub.finished_at} />
}
