import type { ByteConsole } from "./byte-console"

/** What a verb may touch of the process it runs in; `main.ts` makes the real one, tests make their own. */
export type CommandIo = {
  /** Writes to standard output as it stands: the text brings its own newline. */
  out(text: string): void
  /** Writes to standard error as it stands. */
  err(text: string): void
  /** One line without its newline; an empty prompt prints nothing, `hidden` shows no typing, and at the end of input, or once `signal` says so, the answer is "". */
  readLine(prompt: string, options: { hidden: boolean; signal?: AbortSignal }): Promise<string>
  /** The standard streams as bytes, where there are some; afterwards nothing else may read or write them. */
  console?: () => ByteConsole
  /** `FREEHOLD_SERVER`, `FREEHOLD_TOKEN`, the folder that keeps `config.json`, and whether the person sits at another machine, behind SSH. */
  environment: { server?: string; token?: string; configFolder: string; isRemote?: boolean }
  version: string
}
