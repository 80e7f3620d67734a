import { createHash } from "node:crypto"
import { isAhead, lateSince } from "./lateness"
import type { BackupRun } from "./run-record"

const minuteMs = 60_000
const mostJitterMs = 60 * minuteMs
/** Pauses before a failed one is tried again; then it waits for its next turn. */
const retriesMs = [5 * minuteMs, 15 * minuteMs, 45 * minuteMs]
/** A server that has just started has other things to do. */
const firstPauseMs = 2 * minuteMs

const at = (moment: string) => Date.parse(moment)

/** The last one that went well, of runs with the newest first. */
export const lastGood = (runs: BackupRun[]): BackupRun | undefined =>
  runs.find(({ error, finished_at: end }) => error === null && end !== null)

/**
 * When the next backup is due, by the runs to the same destination, the newest first; in milliseconds of Unix time. A tenth of the interval, an hour at
 * most, is added by chance, so that many appliances with one destination do not come at once. After a clock that was ahead it is due at once.
 */
export function dueAt(runs: BackupRun[], everyMs: number, serverStartedAt: number, now: number): number {
  const [last] = runs
  if (isAhead(last === undefined ? serverStartedAt : at(last.started_at), now)) return now
  if (last === undefined) return serverStartedAt + Math.min(firstPauseMs, everyMs)
  const next = at(last.started_at) + everyMs + chance(last.started_at) * Math.min(everyMs / 10, mostJitterMs)
  if (last.error === null) return next
  const pauseMs = retriesMs[failures(runs) - 1]
  return pauseMs === undefined ? next : Math.min(next, at(last.finished_at ?? last.started_at) + pauseMs)
}

/** How many of the newest have failed one after the other. */
export function failures(runs: BackupRun[]): number {
  const well = runs.findIndex(({ error }) => error === null)
  return well < 0 ? runs.length : well
}

/** Since when there should have been another backup after the last good one, or after the start; undefined while there need not. */
export function overdueSince(runs: BackupRun[], everyMs: number, serverStartedAt: number, now: number): number | undefined {
  const good = lastGood(runs.filter(({ started_at: start }) => !isAhead(at(start), now)))
  return lateSince(good === undefined ? Math.min(serverStartedAt, now) : at(good.started_at), everyMs, now)
}

/** The same for the same text after a restart: from 0 to 1. */
const chance = (text: string) => createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32
