import { CodeBlock } from "../../parts/copy"
import { welcome } from "../../words/welcome"

/** The lines that change a setting, and how it comes into force. */
export const SettingLines = ({ name, toml, value, isReloaded }: { name: string; toml: string; value: string; isReloaded: boolean }) => (
  <div className="grid gap-1.5 text-text">
    <p>{welcome.setting.file("/etc/freehold/freehold.toml")}</p>
    <CodeBlock label={welcome.setting.file("freehold.toml")} text={`${name.toLowerCase()} = ${toml}`} />
    <p>{welcome.setting.or}</p>
    <CodeBlock label={welcome.setting.or} text={`FREEHOLD_${name.toUpperCase()}=${value}`} />
    <p>{isReloaded ? welcome.setting.reload : welcome.setting.restart}</p>
    <CodeBlock
      label={isReloaded ? welcome.setting.reload : welcome.setting.restart}
      text={`sudo systemctl ${isReloaded ? "reload" : "restart"} freehold`}
    />
  </div>
)
