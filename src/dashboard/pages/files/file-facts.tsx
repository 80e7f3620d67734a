import { Code } from "../../parts/copy"
import { Fact, Facts, Section } from "../../parts/page"
import { bytes, Time } from "../../parts/time"
import { files } from "../../words/files"
import type { Version } from "./versions"

const words = files.file

/** What is known of a file, or of a version of it; `address` is where everybody may read it. */
export const FileFacts = ({ current, address }: { current: Version; address: string | undefined }) => (
  <Section title={words.facts}>
    <Facts>
      <Fact name={words.size}>
        {bytes(current.size)}
        {current.size >= 1024 && <span className="text-sm text-dim tabular-nums"> ({files.exactBytes(current.size)})</span>}
      </Fact>
      <Fact name={words.type}>{current.content_type}</Fact>
      <Fact name={words.modified}>
        <Time at={current.created_at} />
      </Fact>
      <Fact name={words.etag}>
        <Code text={current.etag.replaceAll('"', "")} />
      </Fact>
      <Fact name={words.hash}>
        {current.sha256 === null ? <span className="text-dim">{words.noHash}</span> : <Code text={current.sha256} />}
      </Fact>
      {address !== undefined && (
        <Fact name={words.publicAddress}>
          <Code text={new URL(address, location.origin).href} />
        </Fact>
      )}
    </Facts>
  </Section>
)
