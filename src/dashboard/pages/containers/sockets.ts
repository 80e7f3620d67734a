import { ApiFault, apiOrigin, ask } from "../../data/api"

/** The address of a WebSocket of the API; the session's cookie goes along. */
export const socketUrl = (path: string): string => `${(apiOrigin || location.origin).replace(/^http/, "ws")}${path}`

/** Why a socket did not open, which the same address says to a plain question; undefined where it would open now, or nothing answers. */
export async function refusalOf(path: string): Promise<string | undefined> {
  try {
    await ask("GET", path)
    return undefined
  } catch (error) {
    // 426: a socket would open here.
    return error instanceof ApiFault && error.status !== 0 && error.status !== 426 && error.status < 500 ? error.message : undefined
  }
}
