import { type Config, type ConfigInForce, completeConfig } from "./config"
import type { GivenSettings, Origin } from "./given-settings"
import { type Given, type SettingKey, settings } from "./settings"

/** What reading the settings again came to: those that are in force now, and those that wait for the next start. */
export type Reload = { applied: SettingKey[]; waiting: SettingKey[] }

const keys = Object.keys(settings) as SettingKey[]

/** The settings of a running appliance. `read` gives what is set at that moment, and may throw. */
export class LiveConfig implements ConfigInForce {
  private given: Given
  private origins: GivenSettings["origins"]
  private inForce: Config
  private held: SettingKey[] = []

  /** `args` are the words behind the verb that settings were given by, for processes of our own that need the same ones. */
  constructor(
    private read: () => GivenSettings,
    readonly args: readonly string[] = [],
  ) {
    const { given, origins } = read()
    this.given = given
    this.origins = origins
    this.inForce = completeConfig(given)
  }

  get current(): Config {
    return this.inForce
  }

  /** Where the value in force was given; undefined where it is the default. */
  origin(key: SettingKey): Origin | undefined {
    return this.origins[key]
  }

  /** Settings that were given another value since the start and wait for the next one, as of the last reading. */
  get waiting(): readonly SettingKey[] {
    return this.held
  }

  /** What is set at this moment, which may differ from what is in force. May throw. */
  readAgain(): GivenSettings {
    return this.read()
  }

  /** Reads again and puts in force what may change while running; when reading throws, nothing has changed. */
  reload(): Reload {
    const { given: next, origins } = this.read()
    const changed = keys.filter((key) => changesWith(this.given, key, next) || changesWith(next, key, this.given))
    const applied = changed.filter((key) => settings[key].reloads)
    const waiting = changed.filter((key) => !settings[key].reloads)
    this.given = { ...this.given, ...Object.fromEntries(applied.map((key) => [key, next[key]])) }
    this.origins = { ...origins, ...Object.fromEntries(waiting.map((key) => [key, this.origins[key]])) }
    this.inForce = completeConfig(this.given)
    this.held = waiting
    return { applied, waiting }
  }
}

/** Whether one value taken from elsewhere makes another configuration: a default that is now spelled out does not. */
function changesWith(given: Given, key: SettingKey, other: Given): boolean {
  return !Bun.deepEquals(completeConfig(given), completeConfig({ ...given, [key]: other[key] }))
}
