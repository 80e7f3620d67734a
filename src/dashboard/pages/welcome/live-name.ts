import type { Check } from "../../parts/check-list"

/** Whether a hostname's certificate is there and its application answers. */
export const isLiveName = (checks: Pick<Check, "name" | "status">[] = []): boolean =>
  ["certificate", "answer"].every((name) => checks.some((check) => check.name === name && check.status === "ok"))
