import { AppError } from "../errors"
import { ConfigError, type Origin, parseValue } from "../given-settings"
import type { LiveConfig } from "../live-config"
import { type Setting, type SettingKey, settings } from "../settings"
import type { KeptSettings } from "./kept-settings"

export type SettingsNeeds = {
  config: Pick<LiveConfig, "origin" | "waiting" | "readAgain">
  kept: KeptSettings
  /** Reads the settings again and puts them in force, as SIGHUP does; throws where they cannot be read, and then nothing has changed. */
  reload: () => void
}

/** A setting as administrators see it. */
export type SettingReply = {
  name: string
  /** What was given and is in force; null for a secret, and where the default is in force. */
  value: string | null
  /** What holds where nothing is given; null where that is nothing. */
  default: string | null
  source: Origin["from"] | "default"
  /** The flag, variable or file that says it; null for a default. */
  source_name: string | null
  /** What was set here, also where something else wins over it. */
  set_here: string | null
  reloads: boolean
  /** Was given another value, which the next start takes over. */
  waits_for_restart: boolean
  is_secret: boolean
  meaning: string
  rule: string
}

/**
 * The settings with where each comes from, and those that reload changed while running. What is set here lies above the default alone: a flag, a
 * variable or the configuration file that says something wins, and such a setting is not changed here at all.
 */
export class HouseSettings {
  constructor(private needs: SettingsNeeds) {}

  list(): SettingReply[] {
    const kept = this.needs.kept.read()
    return (Object.keys(settings) as SettingKey[]).map((key) => this.reply(key, kept))
  }

  /** In force when it returns. Throws `not_found`, `conflict` where it is not to be changed here, `invalid` with the rule that it breaks. */
  set(name: string, raw: unknown): SettingReply {
    const key = keyOf(name)
    const known: Setting<unknown> = settings[key]
    if (!known.reloads)
      throw new AppError("conflict", `${key} is read at the start alone: change it where it is given, and restart Freehold`)
    const stronger = this.stronger(key)
    if (stronger !== undefined)
      throw new AppError("conflict", `${key} is set by ${stronger}, which wins over what is set here: change it there`)
    if (typeof raw !== "string" && typeof raw !== "number") throw new AppError("invalid", `${key} must be ${known.expected}`)
    const text = String(raw).trim()
    this.check(() => parseValue(key, known, text))
    this.change((kept) => ({ ...kept, [key]: text }))
    return this.reply(key, this.needs.kept.read())
  }

  /** Back to what is given elsewhere, or the default. Throws `not_found`, also where nothing was set here. */
  unset(name: string): SettingReply {
    const key = keyOf(name)
    if (!Object.hasOwn(this.needs.kept.read(), key)) throw new AppError("not_found", `${key} was not set here`)
    this.change((kept) => Object.fromEntries(Object.entries(kept).filter(([name]) => name !== key)))
    return this.reply(key, this.needs.kept.read())
  }

  /** What says a setting with more weight than what is set here, as of now and not of the last reading. */
  private stronger(key: SettingKey): string | undefined {
    const origin = this.check(() => this.needs.config.readAgain()).origins[key]
    return origin === undefined || origin.from === "here" ? undefined : describe(origin)
  }

  private change(edit: (texts: Record<string, string>) => Record<string, string>): void {
    const { kept, reload } = this.needs
    const before = kept.read()
    kept.write(edit(before))
    try {
      this.check(reload)
    } catch (error) {
      kept.write(before)
      throw error
    }
  }

  private check<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw error instanceof ConfigError ? new AppError("invalid", error.message) : error
    }
  }

  private reply(key: SettingKey, kept: Record<string, string>): SettingReply {
    const { config } = this.needs
    const known: Setting<unknown> = settings[key]
    const origin = config.origin(key)
    const at = known.meaning.lastIndexOf("; ")
    const text = origin?.text
    return {
      name: key,
      value: text === undefined ? null : withoutPassword(text),
      default: at < 0 ? null : known.meaning.slice(at + 2),
      source: origin?.from ?? "default",
      source_name: origin === undefined || origin.from === "here" ? null : origin.name,
      set_here: kept[key] ?? null,
      reloads: known.reloads,
      waits_for_restart: config.waiting.includes(key),
      is_secret: known.secret === true,
      meaning: at < 0 ? known.meaning : known.meaning.slice(0, at),
      rule: known.expected,
    }
  }
}

function keyOf(name: string): SettingKey {
  if (!Object.hasOwn(settings, name)) throw new AppError("not_found", `${JSON.stringify(name.slice(0, 80))} is not a setting`)
  return name as SettingKey
}

const describe = ({ from, name }: Origin) =>
  from === "flag" ? `the flag ${name}` : from === "environment" ? `${name} in the environment` : name

/** An address may carry a password before its host. */
const withoutPassword = (text: string) => text.replaceAll(/(:\/\/)[^/@\s]*@/g, "$1…@")
