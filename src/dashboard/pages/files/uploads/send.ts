import type { DetailedError } from "tus-js-client"
import { apiOrigin, sentence } from "../../../data/api"
import { files } from "../../../words/files"
import { fingerprintOf } from "./unfinished"

export type SendNeeds = {
  file: File
  person: string
  namespace: string
  name: string
  mayReplace: boolean
  onProgress: (sent: number) => void
  onDone: () => void
  /** A file of this name is there. */
  onTaken: () => void
  onFailed: (message: string) => void
}

/** A file that is being sent. `end` throws away what has come of it. */
export type Sending = { pause: () => Promise<void>; resume: () => void; end: () => Promise<void> }

/** Files up to this size go in one request; larger ones can be gone on with. */
const smallBytes = 1024 * 1024
const pausesMs = [500, 1000, 3000, 5000, 10_000, 20_000]

/** Sends a file by tus, going on with what was begun for the same one on this device. */
export async function send(needs: SendNeeds): Promise<Sending> {
  const { file, person, namespace, name, mayReplace } = needs
  const { Upload } = await import("tus-js-client")
  const isSmall = file.size <= smallBytes
  const upload = new Upload(file, {
    endpoint: `${apiOrigin}/storage/uploads`,
    metadata: { namespace, filename: name, filetype: file.type, overwrite: String(mayReplace) },
    fingerprint: async () => fingerprintOf(person, namespace, name, file),
    uploadDataDuringCreation: isSmall,
    storeFingerprintForResuming: !isSmall,
    removeFingerprintOnSuccess: true,
    retryDelays: pausesMs,
    onShouldRetry: (error) => mayRetry(error as DetailedError),
    onBeforeRequest: (request) => {
      ;(request.getUnderlyingObject() as XMLHttpRequest).withCredentials = true
    },
    onProgress: needs.onProgress,
    onSuccess: needs.onDone,
    onError: (error) => {
      if (isTaken(error)) needs.onTaken()
      else needs.onFailed(wordsOf(error))
    },
  })
  if (!isSmall) {
    const before = (await upload.findPreviousUploads()).find(({ metadata }) => metadata.overwrite === String(mayReplace))
    if (before !== undefined) upload.resumeFromPreviousUpload(before)
  }
  upload.start()
  return {
    pause: () => upload.abort(false),
    resume: () => upload.start(),
    end: () => upload.abort(true).catch(() => {}),
  }
}

const statusOf = (error: DetailedError) => error.originalResponse?.getStatus() ?? 0

/** What did not answer may answer in a moment; what the API has decided it decides again. Another offset is looked up again. */
function mayRetry(error: DetailedError): boolean {
  const status = statusOf(error)
  return status === 0 || status === 423 || status === 429 || (status >= 500 && status !== 507) || (status === 409 && !isTaken(error))
}

const isTaken = (error: Error): boolean => isDetailed(error) && statusOf(error) === 409 && /already exists/.test(saidIn(error))

const isDetailed = (error: Error): error is DetailedError => "originalRequest" in error

function saidIn(error: DetailedError): string {
  const body = error.originalResponse?.getBody() ?? ""
  try {
    return (JSON.parse(body) as { error?: string }).error ?? body
  } catch {
    return body
  }
}

function wordsOf(error: Error): string {
  // Before anything is asked, only reading the file can fail.
  if (!isDetailed(error)) return files.tray.unreadable
  const said = saidIn(error)
  return statusOf(error) === 0 || said === "" ? files.tray.brokenOff : sentence(said)
}
