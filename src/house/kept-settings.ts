import { stringify } from "smol-toml"
import { writePrivate } from "../data-folder"
import { readKeptFile } from "../given-settings"

/** The file of what was set while running: TOML as the configuration file, mode 0600, replaced whole. */
export class KeptSettings {
  constructor(readonly file: string) {}

  /** The texts by setting. Throws ConfigError for a file that is not TOML. */
  read(): Record<string, string> {
    return readKeptFile(this.file)
  }

  /** Keeps these texts and nothing else. */
  write(texts: Record<string, string>): void {
    const head =
      "# Written by Freehold: settings that administrators changed while it ran. Flags, environment and configuration file win.\n"
    writePrivate(this.file, `${head}${stringify(texts)}\n`)
  }
}
