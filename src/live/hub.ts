/** What a page shows and may have to look at again. */
export type Topic =
  "hostnames" | "domains" | "containers" | "files" | "access" | "applications" | "people" | "sessions" | "settings" | "audit"

/** Somebody who is told. `send` never waits: one who does not keep up is told by its absence, and looks at everything when it comes again. */
export type Listener = { personId: string; isAdmin: boolean; send: (topics: Topic[]) => void }

/** Changes come in bursts: this long after the first of them all are told at once. */
const burstMs = 100

/** Tells pages that are open which of what they show has changed; never what it is now, which they ask the API. */
export class LiveHub {
  private listeners = new Map<Listener, Set<Topic>>()
  private timer: Timer | undefined

  /** The answer ends it. */
  join(listener: Listener): () => void {
    this.listeners.set(listener, new Set())
    return () => void this.listeners.delete(listener)
  }

  /** How many streams of a person are open. */
  count(personId: string): number {
    return [...this.listeners.keys()].filter((listener) => listener.personId === personId).length
  }

  /** Something of a person's changed, or of everybody's where none is named. Returns at once. */
  changed(topic: Topic, personId?: string): void {
    this.note(topic, (listener) => personId === undefined || listener.personId === personId)
  }

  /** Something changed that administrators see. */
  changedForAdmins(topic: Topic): void {
    this.note(topic, ({ isAdmin }) => isAdmin)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.listeners.clear()
  }

  private note(topic: Topic, isFor: (listener: Listener) => boolean): void {
    for (const [listener, topics] of this.listeners) if (isFor(listener)) topics.add(topic)
    if (this.listeners.size > 0) this.timer ??= setTimeout(() => this.tell(), burstMs)
  }

  private tell(): void {
    this.timer = undefined
    for (const [listener, topics] of this.listeners) {
      if (topics.size === 0) continue
      const told = [...topics]
      topics.clear()
      listener.send(told)
    }
  }
}
