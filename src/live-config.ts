import { type Config, type ConfigInForce, completeConfig } from "./config"
import { type Given, type SettingKey, settings } from "./settings"

/** What reading the settings again came to: those that are in force now, and those that wait for the next start. */
export type Reload = { applied: SettingKey[]; waiting: SettingKey[] }

const keys = Object.keys(settings) as SettingKey[]

/** The settings of a running appliance. `read` gives what is set at that moment, and may throw. */
export class LiveConfig implements ConfigInForce {
  private given: Given
  private inForce: Config

  constructor(private read: () => Given) {
    this.given = read()
    this.inForce = completeConfig(this.given)
  }

  get current(): Config {
    return this.inForce
  }

  /** Reads again and puts in force what may change while running; when reading throws, nothing has changed. */
  reload(): Reload {
    const next = this.read()
    const changed = keys.filter((key) => changesWith(this.given, key, next) || changesWith(next, key, this.given))
    const applied = changed.filter((key) => settings[key].reloads)
    this.given = { ...this.given, ...Object.fromEntries(applied.map((key) => [key, next[key]])) }
    this.inForce = completeConfig(this.given)
    return { applied, waiting: changed.filter((key) => !settings[key].reloads) }
  }
}

/** Whether one value taken from elsewhere makes another configuration: a default that is now spelled out does not. */
function changesWith(given: Given, key: SettingKey, other: Given): boolean {
  return !Bun.deepEquals(completeConfig(given), completeConfig({ ...given, [key]: other[key] }))
}
