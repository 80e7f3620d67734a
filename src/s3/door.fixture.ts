import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3"
import { covers, parseScopes } from "../accounts/scopes"
import { AccessKeys } from "../storage/access-keys"
import { StorageHouse } from "../storage/storage.fixture"
import { Vault } from "../vault"
import type { Act } from "./acts"
import { S3Door } from "./door"

type Credentials = { accessKeyId: string; secretAccessKey: string }

/** The door over a real store, folder and server, and the official client before it. `ann` and `bob` have keys. */
export class DoorHouse {
  changes = 0
  /** What was to be put on record. */
  acts: Act[] = []
  door: S3Door
  keys: AccessKeys
  credentials: Record<string, Credentials> = {}
  private clients: S3Client[] = []
  private server: ReturnType<typeof Bun.serve>

  private constructor(readonly house: StorageHouse) {
    house.time = Date.now()
    const now = () => house.time
    this.keys = new AccessKeys({ db: house.db, vault: new Vault("07".repeat(32)), parseScopes, now })
    const { namespaces, store: namespaceStore, objects, uploads, reader, log } = house
    this.door = new S3Door({
      namespaces,
      namespaceStore,
      objects,
      uploads,
      reader,
      log,
      covers,
      now,
      keys: this.keys,
      hosts: (host) => (host.endsWith(".s3.test") ? host.slice(0, -".s3.test".length) : undefined),
      onNamespacesChanged: () => void this.changes++,
      onActed: async (_, act) => void this.acts.push(act),
    })
    this.server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 30,
      fetch: (request) => this.door.handle(request),
    })
  }

  static async open(): Promise<DoorHouse> {
    const made = new DoorHouse(await StorageHouse.open())
    for (const person of ["ann", "bob"]) await made.key(person)
    return made
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.destroy()
    await this.server.stop(true)
    await this.house.close()
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`
  }

  /** A key of a person; with scopes under a name of its own. */
  async key(person: string, scopes?: Record<string, string[]>, name = person): Promise<Credentials> {
    const { id, secret } = await this.keys.create(person, { name, scopes })
    return (this.credentials[name] = { accessKeyId: id, secretAccessKey: secret })
  }

  /** The official client with a person's key, or another one's by its name. */
  client(name = "ann", config: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: this.url,
      region: "us-east-1",
      credentials: this.credentials[name],
      forcePathStyle: true,
      maxAttempts: 1,
      ...config,
    })
    this.clients.push(client)
    return client
  }

  /** As nobody. */
  fetch = (path: string, init?: RequestInit): Promise<Response> => fetch(`${this.url}${path}`, init)
}

/** What a client made of a fault: its code and status. */
export const fault = (promise: Promise<unknown>): Promise<[code: string, status: number | undefined]> =>
  promise.then(
    () => ["done", 200],
    (error: { name: string; $metadata?: { httpStatusCode?: number } }) => {
      if (error.$metadata === undefined) throw error
      return [error.name, error.$metadata.httpStatusCode]
    },
  )
