import { useRef, useState } from "react"
import { useUrlState } from "../../data/url-state"
import { ButtonLink } from "../../parts/button"
import { CodeBlock } from "../../parts/copy"
import { CheckField, SelectField, TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Notice } from "../../parts/status"
import { widgetWords } from "../../words/applications-webhooks"
import { ApplicationPage } from "./application-page"
import type { Application } from "./model"
import { backSnippet, frontSnippet, type WidgetChoice } from "./snippets"
import { WidgetPreview } from "./widget-preview"

/** The widget as it is, with its options, and what to put into a product to have it there. */
export function Widget() {
  return <ApplicationPage>{(application) => <Shown application={application} />}</ApplicationPage>
}

function Shown({ application }: { application: Application }) {
  const [theme, setTheme] = useUrlState("theme", "auto")
  const [locale, setLocale] = useUrlState("locale")
  const [domain, setDomain] = useUrlState("domain")
  const [email, setEmail] = useUrlState("email")
  const [size, setSize] = useUrlState("size", "wide")
  const choice: WidgetChoice = { theme, locale, domain, email: email === "yes" }
  return (
    <>
      <p className="text-dim">{widgetWords.lead}</p>
      {application.allowed_origins.length === 0 && (
        <Notice
          tone="warn"
          title={widgetWords.noOriginsTitle}
          action={
            <ButtonLink small to={`/applications/${application.id}`} search={{ open: "edit" } as never}>
              {widgetWords.addOrigins}
            </ButtonLink>
          }
        >
          {widgetWords.noOrigins}
        </Notice>
      )}
      <div className="grid items-start gap-5 lg:grid-cols-[16rem_1fr]">
        <fieldset className="grid gap-4 max-lg:sm:grid-cols-2">
          <legend className="mb-2 font-semibold">{widgetWords.options}</legend>
          <Choice label={widgetWords.theme} value={theme} choices={widgetWords.themes} onChange={setTheme} />
          <Choice label={widgetWords.locale} value={locale} choices={widgetWords.locales} onChange={setLocale} />
          <Domain value={domain} onChange={setDomain} />
          <Choice label={widgetWords.size} value={size} choices={widgetWords.sizes} onChange={setSize} />
          <CheckField
            label={widgetWords.email}
            checked={email === "yes"}
            onChange={({ target }) => setEmail(target.checked ? "yes" : "")}
          />
        </fieldset>
        <WidgetPreview applicationId={application.id} choice={choice} isNarrow={size === "narrow"} />
      </div>
      <Section title={widgetWords.frontTitle}>
        <p className="mb-3 text-dim">{widgetWords.frontLead}</p>
        <CodeBlock label={widgetWords.snippetFront} text={frontSnippet(choice)} />
      </Section>
      <Section title={widgetWords.backTitle}>
        <p className="mb-3 text-dim">{widgetWords.backLead}</p>
        <CodeBlock label={widgetWords.snippetBack} text={backSnippet(application.id, choice)} />
      </Section>
    </>
  )
}

type ChoiceProps = { label: string; value: string; choices: Record<string, string>; onChange: (value: string) => void }

const Choice = ({ label, value, choices, onChange }: ChoiceProps) => (
  <SelectField label={label} value={value} onChange={({ target }) => onChange(target.value)}>
    {Object.entries(choices).map(([key, name]) => (
      <option key={key} value={key}>
        {name}
      </option>
    ))}
  </SelectField>
)

/** Counts when it is typed whole, so that the widget does not begin anew at each letter. */
function Domain({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  const known = useRef(value)
  if (known.current !== value) {
    known.current = value
    setText(value)
  }
  return (
    <TextField
      label={widgetWords.domain}
      hint={widgetWords.domainHint}
      isOptional
      isCode
      placeholder="shop.customer.com"
      value={text}
      onChange={({ target }) => setText(target.value)}
      onBlur={() => onChange(text.trim())}
      onKeyDown={(event) => event.key === "Enter" && onChange(text.trim())}
    />
  )
}
