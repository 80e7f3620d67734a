import { cx } from "../../parts/classes"
import { reference } from "../../words/reference"
import type { Book, Schema } from "./document"
import { choicesOf, type Field, fieldsOf, typeOf } from "./fields"

/** Text in which what stands between backticks is code. */
export const Prose = ({ text }: { text: string }) =>
  text.split("`").map((part, index) => (index % 2 === 0 ? part : <code key={`${index} ${part}`}>{part}</code>))

const indents = ["", "pl-4", "pl-8", "pl-12"]

/** Fields by name, with what each is and its rules. Of a request it says which are needed, of an answer which may be missing. */
export const FieldList = ({ label, fields, isAnswer = false }: { label: string; fields: Field[]; isAnswer?: boolean }) => (
  <dl aria-label={label} className="divide-y divide-line">
    {fields.map(({ key, name, type, isRequired, text, rules, pattern, depth }) => (
      <div key={key} className={cx("grid gap-x-6 gap-y-0.5 py-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]", indents[depth])}>
        <dt className="flex min-w-0 flex-wrap items-baseline gap-x-2">
          <code className="font-medium [overflow-wrap:anywhere]">{name}</code>
          <span className="text-sm text-dim">{type}</span>
          {isRequired && !isAnswer && <span className="text-sm text-warn">{reference.required}</span>}
          {!isRequired && isAnswer && <span className="text-sm text-dim">· {reference.maybe}</span>}
        </dt>
        <dd className="min-w-0 text-dim [overflow-wrap:anywhere] [&_code]:text-text">
          <Prose text={[text, ...rules].filter(Boolean).join(" ")} />
          {pattern !== undefined && (
            <>
              {" "}
              {reference.rules.pattern} <code>{pattern}</code>
            </>
          )}
        </dd>
      </div>
    ))}
  </dl>
)

/** A whole schema: its fields, or those of each choice; where it has none, what it is. */
export function SchemaView({
  label,
  schema,
  schemas,
  isAnswer = false,
}: {
  label: string
  schema: Schema
  schemas: Book["schemas"]
  isAnswer?: boolean
}) {
  const choices = choicesOf(schema, schemas)
  if (choices !== undefined)
    return (
      <div className="flex flex-col gap-2">
        {choices.map((choice, index) => (
          <div key={choice.$ref ?? index}>
            <p className="text-sm text-dim">{index === 0 ? reference.oneOf : reference.orThis}</p>
            <SchemaView label={label} schema={choice} schemas={schemas} isAnswer={isAnswer} />
          </div>
        ))}
      </div>
    )
  const fields = fieldsOf(schema, schemas)
  if (fields.length === 0)
    return (
      <p className="text-dim">
        {typeOf(schema, schemas)}
        {schema.description !== undefined && (
          <>
            {": "}
            <Prose text={schema.description} />
          </>
        )}
      </p>
    )
  return <FieldList label={label} fields={fields} isAnswer={isAnswer} />
}
