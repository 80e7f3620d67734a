import { CodeBlock } from "../../parts/copy"
import { welcome } from "../../words/welcome"

const words = welcome.setting

/** The lines that change a setting, and how it comes into force. */
export function SettingLines({ name, toml, value, isReloaded }: { name: string; toml: string; value: string; isReloaded: boolean }) {
  const lines = [
    { label: words.file, text: `${name} = ${toml}` },
    { label: words.environment, text: `FREEHOLD_${name.toUpperCase()}=${value}` },
    { label: isReloaded ? words.reload : words.restart, text: `sudo systemctl ${isReloaded ? "reload" : "restart"} freehold` },
  ]
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-center gap-x-4 gap-y-1.5 sm:grid-cols-[13.5rem_minmax(0,1fr)]">
      {lines.map(({ label, text }) => (
        <div key={label} className="contents">
          <p className="max-sm:mt-1.5">{label}</p>
          <CodeBlock label={label} text={text} />
        </div>
      ))}
    </div>
  )
}
