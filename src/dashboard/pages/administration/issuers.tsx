import { useQuery } from "@tanstack/react-query"
import { Download } from "lucide-react"
import { apiOrigin, ask } from "../../data/api"
import { Code } from "../../parts/copy"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts } from "../../parts/page"
import { count, Time } from "../../parts/time"
import { house } from "../../words/house"

const words = house.certificates

type Issuer = {
  role: keyof typeof words.roles
  name: string
  directory: string | null
  email: string | null
  account_url: string | null
  account_since: string | null
  order_limit: number | null
  certificates: number
  root: { subject: string; fingerprint: string; not_after: string; download: string } | null
}

/** Which issuers are in force, with their accounts, and the root of the built-in one. */
export function IssuerList() {
  const query = useQuery({
    queryKey: ["settings", "issuers"],
    queryFn: async ({ signal }) => (await ask<{ issuers: Issuer[] }>("GET", "/admin/issuers", undefined, { signal })).issuers,
  })
  return (
    <Loaded query={query}>
      {(issuers) => (
        <ul className="divide-y divide-line *:not-first:pt-5 *:not-last:pb-5">
          {issuers.map((issuer) => (
            <li key={issuer.role}>
              <h3 className="font-medium">
                {issuer.name} <span className="ml-1 font-normal text-dim">{words.roles[issuer.role]}</span>
              </h3>
              <div className="mt-3">
                <Facts>
                  {issuer.root === null ? <Directory issuer={issuer} /> : <Root root={issuer.root} />}
                  <Fact name={words.made}>{count(issuer.certificates)}</Fact>
                </Facts>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  )
}

const Directory = ({ issuer }: { issuer: Issuer }) => (
  <>
    <Fact name={words.directory}>
      <Code text={issuer.directory ?? ""} />
    </Fact>
    <Fact name={words.account}>
      {issuer.account_url === null ? words.noAccount : <code>{issuer.account_url}</code>}
      {issuer.account_since !== null && (
        <span className="text-dim">
          {" "}
          {words.since} <Time at={issuer.account_since} />
        </span>
      )}
    </Fact>
    {issuer.email !== null && <Fact name={words.email}>{issuer.email}</Fact>}
    {issuer.order_limit !== null && <Fact name={words.orderLimit}>{words.orders(count(issuer.order_limit))}</Fact>}
  </>
)

const Root = ({ root }: { root: NonNullable<Issuer["root"]> }) => (
  <>
    <Fact name={words.root}>
      {root.subject}
      <a
        href={`${apiOrigin}${root.download}`}
        download="freehold-ca.pem"
        className="mt-1 flex items-center gap-1.5 text-accent hover:underline"
      >
        <Download aria-hidden className="size-4" />
        {words.download}
      </a>
      <span className="text-sm text-dim">{words.downloadWhy}</span>
    </Fact>
    <Fact name={words.fingerprint}>
      <Code text={root.fingerprint} />
    </Fact>
    <Fact name={words.ends}>
      <Time at={root.not_after} />
    </Fact>
  </>
)
