import type { Compilable, CompiledQuery, Transaction } from "kysely"
import type { Db } from "./open"
import type { Schema } from "./schema"

/** Stands for a parameter while a query is compiled. */
class Place {
  constructor(readonly name: string) {}
}

/**
 * A query that is built and compiled at its first run, and from then on only run: building one takes several times as long as SQLite takes to answer
 * it. Its text must not depend on the parameters, which are values alone: no lists of them, and none that Kysely writes another text for, as it
 * does for `is null`.
 */
export function prepared<P extends Record<string, unknown>, Row>(
  build: (db: Db | Transaction<Schema>, given: P) => Compilable<Row>,
): (db: Db | Transaction<Schema>, parameters: P) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined
  let columns: [column: string, name: string][] | undefined
  const places = new Proxy({} as P, { get: (_, name) => new Place(String(name)) })
  return async (db, parameters) => {
    const query = (compiled ??= build(db, places).compile())
    const values = query.parameters.map((value) => (value instanceof Place ? parameters[value.name] : value))
    // Past the plugin that renames columns, which does so column by column and row by row, and would take as long as all the rest.
    const { rows } = await db.getExecutor().provideConnection((connection) => {
      return connection.executeQuery<Record<string, unknown>>({ ...query, parameters: values })
    })
    const [first] = rows
    if (first === undefined) return []
    const named = (columns ??= Object.keys(first).map((column) => [column, camelCase(column)]))
    return rows.map((row) => {
      const made: Record<string, unknown> = {}
      for (const [column, name] of named) made[name] = row[column]
      return made as Row
    })
  }
}

const camelCase = (column: string) => column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
