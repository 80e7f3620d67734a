import type Docker from "dockerode"

/** One line of what an engine says while it pulls. */
type PullLine = { id?: string; status?: string; error?: string; progressDetail?: { current?: number; total?: number } }

/** Sums what is said of each layer. */
export class PullProgress {
  private layers = new Map<string, { current: number; total: number }>()

  /** The part that has come, from 0 to 1, or undefined where the line says nothing of it. */
  note({ id, status, progressDetail }: PullLine): number | undefined {
    if (id === undefined) return undefined
    const { current, total } = progressDetail ?? {}
    const layer = this.layers.get(id)
    if (typeof current === "number" && typeof total === "number" && total > 0) {
      // Unpacking counts from zero again, and what is fetched is what takes the time.
      if (layer === undefined || current > layer.current) this.layers.set(id, { current: Math.min(current, total), total })
    } else if (/complete|already exists/i.test(status ?? "")) {
      this.layers.set(id, { current: layer?.total ?? 1, total: layer?.total ?? 1 })
    } else return undefined
    const all = [...this.layers.values()]
    return all.reduce((sum, one) => sum + one.current, 0) / all.reduce((sum, one) => sum + one.total, 0)
  }
}

/** Reads what the engine says to its end: the failure, or undefined. The engine answers 200 before it asks the registry, so a failure stands there. */
export function readPull(docker: Docker, stream: NodeJS.ReadableStream, onProgress?: (part: number) => void): Promise<string | undefined> {
  const layers = new PullProgress()
  let problem: string | undefined
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error === null ? resolve(problem) : reject(error)),
      (line: PullLine) => {
        problem = line.error ?? problem
        const part = layers.note(line)
        if (part !== undefined) onProgress?.(part)
      },
    )
  })
}
