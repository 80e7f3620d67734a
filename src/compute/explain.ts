import { EngineFault } from "../engine/faults"
import { AppError } from "../errors"

/** Runs `work`, and says in words for the caller what the engine refuses: throws `bad_gateway`. */
export async function explain<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof EngineFault)) throw error
    throw new AppError("bad_gateway", `failed to ${verb} container: ${error.message}`, { cause: error })
  }
}
