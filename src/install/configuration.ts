import { type SettingKey, type Setting, settings } from "../settings"

export const configurationFile = "/etc/freehold/freehold.toml"
export const dataFolder = "/var/lib/freehold"

const heading = `# Freehold's settings. Flags and FREEHOLD_* variables win over this file; "freehold help serve" tells more.
# After a change: "systemctl reload freehold" for those marked *, "systemctl restart freehold" for the others.
# Secrets have a better place: /etc/credstore/freehold.NAME, a file that root alone can read, becomes the setting NAME.
`

/** A setting as it stands in the configuration file. */
export const settingLine = (key: string, value: string): string => `${key} = ${JSON.stringify(value)}`

/** The configuration file with every setting as a comment, except those given. */
export function configuration(given: Partial<Record<SettingKey, string>>): string {
  const lines = Object.entries(settings as Record<string, Setting<unknown>>).map(([key, { meaning, reloads, secret }]) => {
    if (secret === true) return `# ${meaning}: /etc/credstore/freehold.${key}\n`
    const value = key === "data_dir" ? dataFolder : given[key as SettingKey]
    const more = key === "data_dir" ? ". freehold.service names it too, and may write nowhere else" : ""
    return `#${reloads ? "*" : ""} ${meaning}${more}\n${value === undefined ? `#${key} = ""` : settingLine(key, value)}\n`
  })
  return [heading, ...lines].join("\n")
}
