import { usePages } from "../../data/pages"
import { useUrlState } from "../../data/url-state"
import { SelectField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { More } from "../../parts/more"
import { Section } from "../../parts/page"
import { Table } from "../../parts/table"
import { count } from "../../parts/time"
import { administration } from "../../words/administration"
import { house } from "../../words/house"
import { type Certificate, CertificateRow } from "./certificate-row"
import { AdminPage } from "./frame"
import { IssuanceLimits } from "./issuance-limits"
import { IssuerList } from "./issuers"
import { UrlSearchBox } from "./url-search"

const words = house.certificates

type Certificates = { total: number; failing: number; ending: number; certificates: Certificate[]; next_cursor: string | null }

/** Every certificate, those that end first before the others, who issues them, and how many more they allow. */
export const Certificates = () => (
  <AdminPage part="certificates">
    {() => (
      <>
        <List />
        <Section title={words.issuers}>
          <IssuerList />
        </Section>
        <Section title={words.limits}>
          <IssuanceLimits />
        </Section>
      </>
    )}
  </AdminPage>
)

function List() {
  const [q] = useUrlState("q")
  const [state, setState] = useUrlState("state")
  const query = usePages<Certificates>(["overview", "certificates"], "/admin/certificates", { q, state }, 30_000)
  return (
    <>
      <div className="flex flex-wrap items-end gap-3">
        <UrlSearchBox name="q" label={words.search} />
        <SelectField label={words.which} value={state} onChange={(event) => setState(event.target.value)} className="[&_label]:sr-only">
          <option value="">{words.all}</option>
          <option value="failing">{words.failing}</option>
        </SelectField>
      </div>
      <Loaded query={query}>
        {({ pages }) => {
          const [first] = pages
          const rows = pages.flatMap((page) => page.certificates)
          return (
            <>
              {first !== undefined && (
                <p className="text-dim">{words.counts(count(first.total), count(first.failing), count(first.ending))}</p>
              )}
              {rows.length === 0 ? (
                <p className="py-6 text-center text-dim">{words.none}</p>
              ) : (
                <>
                  <Table label={words.list} head={words.head}>
                    {rows.map((row) => (
                      <CertificateRow key={row.hostname} row={row} />
                    ))}
                  </Table>
                  <More query={query} label={words.more} end={administration.everything} />
                </>
              )}
            </>
          )
        }}
      </Loaded>
    </>
  )
}
