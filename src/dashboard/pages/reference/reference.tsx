import { Link, useParams } from "@tanstack/react-router"
import { Download } from "lucide-react"
import { useEffect, useRef } from "react"
import { apiOrigin } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { ButtonLink } from "../../parts/button"
import { cx } from "../../parts/classes"
import { CodeBlock } from "../../parts/copy"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { type Crumb, Page } from "../../parts/page"
import { Empty } from "../../parts/status"
import { reference } from "../../words/reference"
import { addressOf, type Book, type Family, found, type Operation, useBook } from "./document"
import { Method, OperationView } from "./operation"

type Place = { title: string; crumbs: Crumb[]; family?: Family | undefined; operation?: Operation | undefined; isLost: boolean }

/** The API reference: all of it at `/reference`, a family, or one operation. */
export function Reference() {
  const book = useBook()
  const params: { family?: string; operation?: string } = useParams({ strict: false })
  const [text, setText] = useUrlState("q")
  const place = placeOf(book.data, params)
  // At the beginning the families are the page itself.
  const hasSide = params.family !== undefined
  return (
    <Page
      title={place.title}
      crumbs={place.crumbs}
      lead={place.family === undefined && !place.isLost ? reference.lead : undefined}
      actions={
        <a
          href={`${apiOrigin}/openapi.json`}
          download="freehold-openapi.json"
          className="inline-flex min-h-9 items-center gap-1.5 text-accent hover:underline"
        >
          <Download aria-hidden className="size-4" />
          {reference.download}
        </a>
      }
    >
      <div className={cx("grid min-w-0 gap-x-6 gap-y-4", hasSide && "lg:grid-cols-[15rem_minmax(0,1fr)]")}>
        <div
          className={cx(
            "flex min-w-0 flex-col gap-3",
            hasSide ? "lg:sticky lg:top-5 lg:max-h-[calc(100dvh-2.5rem)] lg:self-start" : "sm:max-w-sm",
          )}
        >
          <SearchBox label={reference.search} value={text} onChange={setText} className="shrink-0" />
          {hasSide && book.data !== undefined && <SideList book={book.data} place={place} />}
        </div>
        <div className="min-w-0">
          <Loaded query={book}>
            {(data) =>
              text.trim() === "" ? <Content book={data} place={place} /> : <Results book={data} text={text} onClear={() => setText("")} />
            }
          </Loaded>
        </div>
      </div>
    </Page>
  )
}

const home: Crumb = { to: "/reference", label: reference.title }

function placeOf(book: Book | undefined, params: { family?: string; operation?: string }): Place {
  if (params.family === undefined || book === undefined) return { title: reference.title, crumbs: [], isLost: false }
  const family = book.families.find(({ slug }) => slug === params.family)
  if (family === undefined) return { title: reference.noFamilyTitle, crumbs: [home], isLost: true }
  if (params.operation === undefined) return { title: family.name, crumbs: [home], family, isLost: false }
  const crumbs: Crumb[] = [home, { to: `/reference/${family.slug}`, label: family.name }]
  const operation = family.operations.find(({ operationId }) => operationId === params.operation)
  if (operation === undefined) return { title: reference.noOperationTitle, crumbs, family, isLost: true }
  return { title: operation.summary, crumbs, family, operation, isLost: false }
}

/** Families, and what is in the one that is open. Narrow screens have the crumbs instead. */
function SideList({ book, place }: { book: Book; place: Place }) {
  const current = useRef<HTMLAnchorElement>(null)
  const { family, operation } = place
  useEffect(() => {
    // Browsers answer a promise here, which is no way to clean up.
    void current.current?.scrollIntoView({ block: "nearest" })
  }, [operation])
  return (
    <nav aria-label={reference.families} className="hidden min-h-0 flex-col gap-0.5 overflow-y-auto lg:flex">
      {book.families.map((one) => (
        <div key={one.slug}>
          <Link
            to={`/reference/${one.slug}`}
            aria-current={one === family && operation === undefined ? "page" : undefined}
            className={cx(
              "flex min-h-8 items-center gap-2 rounded-md px-2 hover:bg-hover",
              one === family ? "font-medium text-text" : "text-dim hover:text-text",
              one === family && operation === undefined && "bg-accent-soft",
            )}
          >
            <span className="flex-1">{one.name}</span>
            <span className="text-sm text-dim">{one.operations.length}</span>
          </Link>
          {one === family && (
            <ul className="mb-2 ml-2 border-l border-line pl-1">
              {one.operations.map((other) => (
                <li key={other.operationId}>
                  <Link
                    ref={other === operation ? current : undefined}
                    to={addressOf(other)}
                    aria-current={other === operation ? "page" : undefined}
                    className={cx(
                      "block rounded-md px-2 py-1 text-sm hover:bg-hover hover:text-text",
                      other === operation ? "bg-accent-soft font-medium text-text" : "text-dim",
                    )}
                  >
                    {other.summary}
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </nav>
  )
}

function Content({ book, place }: { book: Book; place: Place }) {
  const { family, operation, isLost } = place
  if (isLost)
    return (
      <Empty title={place.title} action={<ButtonLink to="/reference">{reference.toReference}</ButtonLink>}>
        {reference.noSuch}
      </Empty>
    )
  if (operation !== undefined) return <OperationView key={operation.operationId} operation={operation} book={book} />
  if (family !== undefined)
    return (
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-dim">{family.about}</p>
        <OperationList label={family.name} operations={family.operations} />
      </div>
    )
  return <Overview book={book} />
}

function Overview({ book }: { book: Book }) {
  const first = `curl -H "Authorization: Bearer $TOKEN" \\\n  ${apiOrigin || location.origin}/api/domain-mappings`
  return (
    <div className="flex flex-col gap-6">
      <ul aria-label={reference.families} className="divide-y divide-line rounded-lg border border-line bg-card">
        {book.families.map(({ slug, name, about, operations }) => (
          <li key={slug}>
            <Link
              to={`/reference/${slug}`}
              className="group grid items-baseline gap-x-3 px-4 py-3 hover:bg-hover sm:grid-cols-[8rem_minmax(0,1fr)_auto]"
            >
              <span className="font-medium text-accent group-hover:underline">{name}</span>
              <span className="min-w-0 text-dim">{about}</span>
              <span className="text-sm text-dim">{reference.operations(operations.length)}</span>
            </Link>
          </li>
        ))}
      </ul>
      <section className="flex flex-col gap-2">
        <h2 className="text-lg font-semibold">{reference.begin}</h2>
        <p className="max-w-prose text-dim">{reference.beginToken}</p>
        <CodeBlock label={reference.beginExample} text={first} />
      </section>
    </div>
  )
}

function Results({ book, text, onClear }: { book: Book; text: string; onClear: () => void }) {
  const operations = found(book, text)
  return (
    <div className="flex flex-col gap-3">
      <p role="status" className="text-dim">
        {reference.found(operations.length, text.trim())}
      </p>
      {operations.length > 0 ? (
        <OperationList label={reference.search} operations={operations} />
      ) : (
        <p className="max-w-prose text-dim">
          {reference.foundHint}{" "}
          <button type="button" onClick={onClear} className="text-accent hover:underline">
            {reference.clear}
          </button>
        </p>
      )}
    </div>
  )
}

const OperationList = ({ label, operations }: { label: string; operations: Operation[] }) => (
  <ul aria-label={label} className="divide-y divide-line rounded-lg border border-line bg-card">
    {operations.map((one) => (
      <li key={one.operationId}>
        <Link to={addressOf(one)} search={{} as never} className="flex items-baseline gap-3 px-3 py-2 hover:bg-hover">
          <Method method={one.method} />
          <span className="grid min-w-0 flex-1 gap-x-4 sm:grid-cols-2">
            <span className="min-w-0">{one.summary}</span>
            <code className="min-w-0 text-dim [overflow-wrap:anywhere]">{one.path}</code>
          </span>
        </Link>
      </li>
    ))}
  </ul>
)
