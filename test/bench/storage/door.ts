import { AwsV4Signer } from "aws4fetch"
import { startFreehold } from "../freehold"
import { owner } from "../seed"
import { seedList } from "./seed"
import type { StorageServer } from "./servers"

/** The S3 door of the compiled binary, at its plain listener; requests are signed by the header, and their payload is not. */
export async function startDoor(folder: string): Promise<StorageServer> {
  const settings = {
    FREEHOLD_ADMIN_USERNAME: owner.username,
    FREEHOLD_ADMIN_PASSWORD: owner.password,
    FREEHOLD_SSH_LISTEN: "127.0.0.1:0",
  }
  const house = await startFreehold({ folder, settings })
  const ask = async <T>(path: string, body?: object, token?: string): Promise<T> => {
    const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const res = await fetch(house.url + path, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) })
    if (!res.ok) throw new Error(`${path} answered ${res.status}: ${await res.text()}`)
    return (await res.json()) as T
  }
  const { token } = await ask<{ token: string }>("/api/login", owner)
  for (const name of ["kept", "list"]) await ask("/storage/namespaces", { name }, token)
  const { id: accessKeyId, secret: secretAccessKey } = await ask<{ id: string; secret: string }>("/storage/keys", { name: "bench" }, token)
  seedList(house.dataDir, "list")
  const sign = async (method: string, path: string) => {
    const url = `${house.url}/${path}`
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }
    const signer = new AwsV4Signer({ method, url, headers, accessKeyId, secretAccessKey, service: "s3", region: "us-east-1" })
    return { url, path: `/${path}`, headers: Object.fromEntries((await signer.sign()).headers) }
  }
  const list = async () => {
    let count = 0
    for (let after = ""; ;) {
      const { url, headers } = await sign("GET", `list?list-type=2${after}`)
      const res = await fetch(url, { headers })
      const page = await res.text()
      if (!res.ok) throw new Error(`a list answered ${res.status}: ${page}`)
      count += page.split("<Key>").length - 1
      const next = /<NextContinuationToken>([^<]+)</.exec(page)?.[1]
      if (next === undefined) return count
      after = `&continuation-token=${encodeURIComponent(next)}`
    }
  }
  return { name: "freehold", pid: house.pid, port: house.ports.api, request: sign, list, stop: () => house.stop() }
}
