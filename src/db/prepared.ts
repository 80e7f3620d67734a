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
  const places = new Proxy({} as P, { get: (_, name) => new Place(String(name)) })
  return async (db, parameters) => {
    compiled ??= build(db, places).compile()
    const values = compiled.parameters.map((value) => (value instanceof Place ? parameters[value.name] : value))
    return (await db.executeQuery<Row>({ ...compiled, parameters: values } as CompiledQuery<Row>)).rows
  }
}
