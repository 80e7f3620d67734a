import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { builder, runProgram } from "./program"

const repository = join(import.meta.dir, "../..")

/**
 * Builds a binary out of this source with another version number and one migration more, `9999-later`, that runs `sql`. Needs what `scripts/build` left
 * in dist/. Answers its path in `folder`.
 */
export async function buildNewerVersion(folder: string, version: string, sql: string): Promise<string> {
  const tree = join(folder, `source-${version}`)
  mkdirSync(tree)
  for (const name of ["src", "systemd", "scripts", "package.json", "bun.lock", "bunfig.toml", "tsconfig.json"])
    cpSync(join(repository, name), join(tree, name), { recursive: true })
  for (const name of ["node_modules", "dist"]) symlinkSync(join(repository, name), join(tree, name))
  const manifest = JSON.parse(readFileSync(join(tree, "package.json"), "utf8")) as object
  writeFileSync(join(tree, "package.json"), JSON.stringify({ ...manifest, version }, null, 2))
  const list = join(tree, "src/db/migrations/list.ts")
  const later = `"9999-later": { up: async (db) => { await rawSql.raw(${JSON.stringify(sql)}).execute(db) } },\n}\n`
  writeFileSync(list, `import { sql as rawSql } from "kysely"\n${readFileSync(list, "utf8").replace(/\}\n$/, later)}`)
  const program = join(folder, `freehold-${version}`)
  const { code, out, err } = await runProgram([join(tree, "scripts/build"), "--program-only", "--out", program], {
    environment: builder(),
    limitMs: 120_000,
  })
  if (code !== 0) throw new Error(`scripts/build of ${version} failed\n${out}${err}`)
  return program
}
