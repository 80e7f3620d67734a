import type { QueryClient } from "@tanstack/react-query"

/** Something the palette offers: a place to go, or something to do. `kind` is shown beside it and found by too. */
export type Command = { label: string; kind?: string } & ({ to: string } | { run: () => void })

type Source = (client: QueryClient) => Command[]

const sources: Source[] = []

/** Lets the palette offer what a page knows; called once when the page's module is loaded. */
export const offerCommands = (source: Source): void => void sources.push(source)

export const commandsOf = (client: QueryClient): Command[] => sources.flatMap((source) => source(client))
