import { t } from "elysia"
import { boolean, integer, json, moment, named, oneOf, type Operations, orNull, said } from "./operation"

const run = named(
  "BackupRun",
  t.Object({
    started_at: moment(),
    finished_at: orNull(moment("Null while it is under way.")),
    to: said("A folder, `s3://bucket/prefix`, or a single file."),
    file: orNull(t.String()),
    bytes: orNull(integer()),
    copies: t.Union(
      [
        t.Object({
          count: integer({ description: "Stored files that lie beside it." }),
          bytes: integer(),
          added: integer({ description: "Those among them that were new." }),
          added_bytes: integer(),
          missing: integer({ description: "Stored files that are missing or damaged on this disk, at most a thousand." }),
        }),
        t.Null(),
      ],
      { description: "Null where stored files are not kept beside backups." },
    ),
    error: orNull(said("Why there is no backup; null where it went well.")),
  }),
)

const file = named("BackupFile", t.Object({ name: t.String(), created_at: moment(), bytes: integer(), age_seconds: integer() }))

const backups = named(
  "Backups",
  t.Object({
    to: orNull(said("Setting `backup_to`.")),
    every_seconds: orNull(integer({ description: "Null where the server makes none by itself." })),
    keep: integer(),
    objects: oneOf(["beside", "inside", "none"]),
    volumes: boolean(),
    encryption: t.Union([
      t.Object({ kind: t.Literal("recipient"), recipients: t.Array(t.String()) }),
      t.Object({ kind: t.Literal("passphrase") }),
      t.Null(),
    ]),
    s3: t.Union([t.Object({ endpoint: t.String(), region: t.String(), style: t.String() }), t.Null()]),
    is_running: boolean(),
    last_good_at: orNull(moment()),
    next_at: orNull(moment()),
    is_overdue: boolean(),
    runs: t.Array(run, { description: "The newest fifty, those of the command line too; the newest first." }),
    files: t.Array(file, { description: "What lies at the destination, the newest first." }),
    files_problem: orNull(said("Why that cannot be told.")),
  }),
)

export const backup: Operations = {
  "GET /admin/backups": {
    summary: "Show backups: the settings, the last runs, and what lies at the destination",
    text: "The destination is asked for at most ten seconds.",
    good: json(backups),
  },
  "POST /admin/backups": {
    summary: "Make a backup now",
    text: "As the settings `backup_*` say, in a process of its own; how it goes is in `runs`.",
    good: json(t.Object({ to: t.String(), started_at: moment() }), "It has begun.", 202),
    errors: { 400: "No destination is set.", 409: "A backup is under way.", 503: "The server is being stopped." },
  },
}
