import type { Migration } from "kysely/migration"
import { first } from "./0001-first"

/** Every migration by name, embedded in the binary; names sort in the order they run. */
export const migrations: Record<string, Migration> = { "0001-first": first }
