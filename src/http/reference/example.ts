/** A request that was really made and what it was answered, as `test/e2e/reference-story.ts` wrote it; ids, tokens, times and ports are replaced. */
export type Example = {
  /** With its query. */
  path: string
  /** Of the request, but for the content type of JSON. */
  headers?: Record<string, string>
  /** JSON as a value, all else as text. */
  body?: unknown
  status: number
  answer?: unknown
}
