import type { Migration } from "kysely/migration"
import { first } from "./0001-first"
import { mappingOptions } from "./0002-mapping-options"
import { traffic } from "./0003-traffic"

/** Every migration by name, embedded in the binary; names sort in the order they run. */
export const migrations: Record<string, Migration> = {
  "0001-first": first,
  "0002-mapping-options": mappingOptions,
  "0003-traffic": traffic,
}
