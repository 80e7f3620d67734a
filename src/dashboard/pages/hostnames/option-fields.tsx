import { CheckField } from "../../parts/field"
import { options as words } from "../../words/hostnames"
import type { Mapping } from "./model"

export type OptionInput = Pick<Mapping, "http" | "upstream_protocol" | "access_log">

export const defaultOptions: OptionInput = { http: "redirect", upstream_protocol: "http1", access_log: true }

/** How the edge treats a name's traffic. */
export const OptionFields = ({ value, onChange }: { value: OptionInput; onChange: (value: OptionInput) => void }) => (
  <div className="flex flex-col gap-3">
    <CheckField
      label={words.redirect}
      hint={words.redirectHint}
      checked={value.http === "redirect"}
      onChange={(event) => onChange({ ...value, http: event.target.checked ? "redirect" : "serve" })}
    />
    <CheckField
      label={words.h2c}
      hint={words.h2cHint}
      checked={value.upstream_protocol === "h2c"}
      onChange={(event) => onChange({ ...value, upstream_protocol: event.target.checked ? "h2c" : "http1" })}
    />
    <CheckField
      label={words.accessLog}
      checked={value.access_log}
      onChange={(event) => onChange({ ...value, access_log: event.target.checked })}
    />
  </div>
)
