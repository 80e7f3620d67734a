import { CodeBlock } from "../../parts/copy"
import { Fact, Facts, Section } from "../../parts/page"
import { Notice } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { bytes, Time } from "../../parts/time"
import { version as words } from "../../words/version"

/** The program that runs and the ways on and back from it, as `GET /admin/system` tells them. */
export type Program = {
  path: string | null
  installed: keyof typeof words.installed
  on_disk: "same" | "other" | "missing"
  can_roll_back: boolean
  store_copies: { name: string; before: string; made_at: string; bytes: number }[]
}

/** Which version runs, whether another waits for a restart, how the next one comes, and the way back. */
export const Version = ({ version, runtime, program }: { version: string; runtime: string; program: Program }) => (
  <Section title={words.title}>
    <div className="flex flex-col gap-4">
      {program.on_disk === "other" && (
        <Notice tone="warn" title={words.waits}>
          <p className="mb-2">{words.waitsHow}</p>
          <CodeBlock label={words.restart} text={words.restartCommand} />
        </Notice>
      )}
      {program.on_disk === "missing" && (
        <Notice tone="bad" title={words.missing}>
          {words.missingHow}
        </Notice>
      )}
      <Facts>
        <Fact name={words.running}>{version}</Fact>
        <Fact name={words.runtime}>{runtime}</Fact>
        {program.path !== null && (
          <Fact name={words.path}>
            <code>{program.path}</code>
          </Fact>
        )}
        <Fact name={words.installedBy}>{words.installed[program.installed]}</Fact>
      </Facts>
      <div className="max-w-prose">
        <h3 className="font-medium">{words.upgrade}</h3>
        <p className="text-dim">
          {words.asksNobody} {words.how[program.installed]} {words.what} {program.can_roll_back ? words.back : ""} {words.more}
        </p>
      </div>
      <div className="flex flex-col gap-2">
        <h3 className="font-medium">{words.copies}</h3>
        {program.store_copies.length === 0 ? (
          <p className="text-dim">{words.copiesNone}</p>
        ) : (
          <Table label={words.copies} head={words.copiesHead}>
            {program.store_copies.map((copy) => (
              <tr key={copy.name}>
                <Cell className="min-w-44 [overflow-wrap:anywhere]">
                  <code>{copy.name}</code>
                </Cell>
                <Cell>
                  <Time at={copy.made_at} />
                </Cell>
                <Cell className="whitespace-nowrap tabular-nums">{bytes(copy.bytes)}</Cell>
              </tr>
            ))}
          </Table>
        )}
      </div>
    </div>
  </Section>
)
