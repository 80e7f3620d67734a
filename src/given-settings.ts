import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse as parseToml } from "smol-toml"
import { type Given, type Setting, type SettingKey, settings } from "./settings"

/** Where a setting was given, and as what; `here` is what was set while running. The text of a secret is left out. */
export type Origin = {
  from: "flag" | "environment" | "credential" | "file" | "here"
  name: string
  text: string | undefined
  /** The file that it was read from, where that is one of the person's own. */
  file?: string
}

/** The settings that were given, parsed, and where each was. */
export type GivenSettings = { given: Given; origins: Partial<Record<SettingKey, Origin>> }

export type Environment = Record<string, string | undefined>

/** A setting that cannot be used; the message names it and says what was expected, and never shows a secret. */
export class ConfigError extends Error {}

type Found = Map<SettingKey, { value: unknown; origin: Origin }>

const clientNames = new Set(["FREEHOLD_SERVER", "FREEHOLD_TOKEN"])
const systemFile = "/etc/freehold/freehold.toml"

export const dataDirOf = (given: Given, isRoot: boolean): string => given.data_dir ?? (isRoot ? "/var/lib/freehold" : "./freehold-data")

/** Where what was set while running is kept. */
export const keptSettingsFile = (dataDir: string): string => join(dataDir, "settings.toml")

/** Flags over environment over configuration file over what was set while running; files are read anew at each call. Throws ConfigError. */
export function gatherSettings(args: string[], environment: Environment, isRoot: boolean): GivenSettings {
  const flags = readFlags(args)
  const found: Found = new Map([
    ...fromFile(flags.configFile),
    // A verb that root runs by hand has the service's secrets, which only root may read there.
    ...fromCredentials(environment.CREDENTIALS_DIRECTORY ?? (isRoot ? "/etc/credstore" : undefined)),
    ...fromEnvironment(environment),
    ...flags.found,
  ])
  const kept = fromKeptFile(keptSettingsFile(dataDirOf({ data_dir: found.get("data_dir")?.value as string | undefined }, isRoot)))
  const all = [...new Map([...kept, ...found])]
  const given: Given = Object.fromEntries(all.map(([key, { value }]) => [key, value]))
  together(given, "acme_eab_kid", "acme_eab_hmac")
  together(given, "admin_username", "admin_password")
  together(given, "domain_connect_key_label", "domain_connect_signing_key")
  together(given, "alert_smtp_url", "alert_mail_from")
  together(given, "alert_smtp_url", "alert_mail_to")
  if (given.domain_connect_provider === undefined && given.domain_connect_key_label !== undefined)
    throw new ConfigError("domain_connect_signing_key is for a domain_connect_provider, which is missing")
  together(given, "backup_s3_access_key", "backup_s3_secret_key")
  checkBackup(given)
  const { acme_ca_file: caFile, backup_s3_ca_file: s3CaFile, dns_roots: roots } = given
  if (s3CaFile !== undefined) given.backup_s3_ca_file = readText("backup_s3_ca_file", s3CaFile)
  if (caFile !== undefined) given.acme_ca_file = readText("acme_ca_file", caFile)
  if (roots?.startsWith("/") || roots?.startsWith(".")) given.dns_roots = readText("dns_roots", roots)
  return { given, origins: Object.fromEntries(all.map(([key, { origin }]) => [key, origin])) }
}

/** Reads the text of a setting as every source of settings is read; `name` is how the message names it. Throws ConfigError. */
export function parseValue(name: string, known: Setting<unknown>, text: string): unknown {
  const value = known.parse(text.trim())
  if (value !== undefined) return value
  const shown = known.secret === true ? "the value is not shown" : `it is ${JSON.stringify(text.slice(0, 200))}`
  throw new ConfigError(`${name} must be ${known.expected}; ${shown}`)
}

/** The texts in the file of what was set while running; empty where there is none. Throws ConfigError. */
export function readKeptFile(file: string): Record<string, string> {
  return existsSync(file) ? readTable(file, file) : {}
}

function fromKeptFile(file: string): Found {
  const found = readNamed(readKeptFile(file), "here", (key) => `${key} in ${file}`)
  for (const key of found.keys())
    if (!settings[key].reloads)
      throw new ConfigError(`${key} in ${file} is read at the start alone: it belongs into the configuration file`)
  return found
}

function fromFile(path: string | undefined): Found {
  if (path === undefined && !existsSync(systemFile)) return new Map()
  const file = path ?? systemFile
  return readNamed(readTable("--config", file), "file", (key) => `${key} in ${file}`, file)
}

function readTable(name: string, file: string): Record<string, string> {
  let table: Record<string, unknown>
  try {
    table = parseToml(readText(name, file))
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`${file} is not TOML: ${(error as Error).message.split("\n")[0]}`)
  }
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, Array.isArray(value) ? value.join(",") : String(value)]))
}

function readNamed(table: Record<string, string>, from: Origin["from"], nameOf: (key: string) => string, file?: string): Found {
  return new Map(Object.entries(table).map(([key, text]) => foundAt(key, from, nameOf(key), text, file)))
}

function fromEnvironment(environment: Environment): Found {
  const found: Found = new Map()
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("FREEHOLD_") || clientNames.has(name) || value === undefined) continue
    const key = name.slice("FREEHOLD_".length).toLowerCase()
    const ofFile = key.endsWith("_file") && !Object.hasOwn(settings, key) ? key.slice(0, -"_file".length) : undefined
    const isSecretFile = ofFile !== undefined && Object.hasOwn(settings, ofFile) && "secret" in settings[ofFile as SettingKey]
    if (isSecretFile && environment[name.slice(0, -"_FILE".length)] !== undefined)
      throw new ConfigError(`${name} and ${name.slice(0, -5)} are both set: use one`)
    found.set(
      ...(isSecretFile ? foundAt(ofFile, "environment", name, readText(name, value), value) : foundAt(key, "environment", name, value)),
    )
  }
  return found
}

/** systemd's `LoadCredential=freehold.jwt_secret:…` and the like. */
function fromCredentials(folder: string | undefined): Found {
  const found: Found = new Map()
  if (folder === undefined) return found
  for (const [key, known] of Object.entries(settings) as [string, Setting<unknown>][]) {
    if (known.secret !== true && known.isCredential !== true) continue
    const name = [key, known.formerCredential].find((one) => one !== undefined && existsSync(join(folder, `freehold.${one}`)))
    if (name === undefined) continue
    const path = join(folder, `freehold.${name}`)
    found.set(...foundAt(key, "credential", `the credential freehold.${name}`, readText(key, path)))
  }
  // Both lie there where a passphrase was given up for a key.
  if (((found.get("backup_recipient")?.value as string[] | undefined) ?? []).length > 0) found.delete("backup_passphrase")
  return found
}

function readFlags(args: string[]): { found: Found; configFile: string | undefined } {
  const found: Found = new Map()
  let configFile: string | undefined
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith("--")) throw new ConfigError(`${JSON.stringify(word)} is not a flag: settings are given as --name value`)
    const [flag = "", inline] = splitOnce(word, "=")
    const key = flag.slice(2).replaceAll("-", "_")
    if (flag !== "--config") settingOf(key, flag)
    const value = inline ?? rest.shift()
    if (value === undefined) throw new ConfigError(`${flag} needs a value`)
    if (flag === "--config") configFile = value
    else found.set(...foundAt(key, "flag", flag, value))
  }
  return { found, configFile }
}

function foundAt(
  key: string,
  from: Origin["from"],
  name: string,
  text: string,
  file?: string,
): [SettingKey, { value: unknown; origin: Origin }] {
  const known = settingOf(key, name)
  const origin: Origin = { from, name, text: known.secret === true ? undefined : text.trim(), ...(file === undefined ? {} : { file }) }
  return [key as SettingKey, { value: parseValue(name, known, text), origin }]
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}

function settingOf(key: string, name: string): Setting<unknown> {
  if (!Object.hasOwn(settings, key)) throw new ConfigError(`${name} is not a setting of Freehold`)
  return settings[key as SettingKey]
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw new ConfigError(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`)
  }
}

/** A backup that nobody could open or that cannot be written is told at the start, not at night. */
function checkBackup({ backup_to: to, backup_recipient: recipients = [], backup_passphrase: passphrase, ...given }: Given): void {
  if (recipients.length > 0 && passphrase !== undefined)
    throw new ConfigError("backup_recipient and backup_passphrase exclude each other: a recipient is the better one")
  if (to === undefined) return
  if (recipients.length === 0 && passphrase === undefined)
    throw new ConfigError("backup_to needs backup_recipient, which is the better one, or backup_passphrase: backups are always encrypted")
  if (to.startsWith("s3:") && given.backup_s3_access_key === undefined)
    throw new ConfigError("backup_to is an S3 bucket, whose keys backup_s3_access_key and backup_s3_secret_key are missing")
}

function together(given: Given, first: SettingKey, second: SettingKey): void {
  if ((given[first] === undefined) === (given[second] === undefined)) return
  throw new ConfigError(`${first} and ${second} go together: ${given[first] === undefined ? first : second} is missing`)
}
