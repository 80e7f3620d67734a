import { waitUntil } from "../lab/process"
import type { Answer } from "./answer"
import type { Appliance } from "./appliance"

/** A mapping as the API shows it. */
export type Mapping = {
  id: string
  domain: string
  container_id: string
  target_port: number
  status: string
  verify_name: string
  verify_token: string
  acme_challenge?: { name: string; type: string; value: string }
  dns_automated?: boolean
  detail?: string
  certificate?: { state: string; issuer?: string; not_after?: string; problem?: string; next_attempt_at?: string; put_off?: true }
}

/** Somebody with a token, doing what the main job asks for; every method throws when the answer is another than a success. */
export class Person {
  constructor(
    readonly house: Appliance,
    readonly token: string,
    readonly id: string,
  ) {}

  /** Any request, whatever the answer. */
  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.house.api(method, path, { token: this.token, body })
  }

  /** An application outside any engine, at this machine: `ports` is container port → real port. */
  async external(name: string, ports: Record<string, number>): Promise<string> {
    return (await this.send<{ id: string }>("POST", "/compute/containers", { name, address: "127.0.0.1", ports })).id
  }

  /** A container of the engine, running when this resolves. */
  async container(name: string, image: string): Promise<string> {
    const { id } = await this.send<{ id: string }>("POST", "/compute/containers", { name, image })
    await this.containerIs(id, "running")
    return id
  }

  async containerIs(id: string, status: string): Promise<void> {
    let seen = ""
    await waitUntil(
      async () => {
        seen = (await this.ask("GET", `/compute/containers/${id}`)).text
        return (JSON.parse(seen) as { status: string }).status === status
      },
      { limitMs: 30_000, everyMs: 50, what: `the container to be ${status}` },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${seen}`, { cause: error })
    })
  }

  map(domain: string, container: string, port = 8080): Promise<Mapping> {
    return this.send("POST", "/api/domain-mappings", { container_id: container, domain, target_port: port })
  }

  verify(id: string): Promise<{ status: string; detail?: string }> {
    return this.send("POST", `/api/domain-mappings/${id}/verify`)
  }

  async unmap(id: string): Promise<void> {
    await this.send("DELETE", `/api/domain-mappings/${id}`)
  }

  async mapping(id: string): Promise<Mapping> {
    const { domains } = await this.send<{ domains: Mapping[] }>("GET", "/api/domain-mappings")
    const found = domains.find((mapping) => mapping.id === id)
    if (found === undefined) throw new Error(`${id} is not among ${domains.length} mappings`)
    return found
  }

  /** Waits until the mapping is as asked, by the API alone: nobody opens a TLS connection. */
  async mappingIs(id: string, what: string, isSo: (mapping: Mapping) => boolean, limitMs = 20_000): Promise<Mapping> {
    let seen: Mapping | undefined
    try {
      await waitUntil(async () => isSo((seen = await this.mapping(id))), { limitMs, what: `the mapping to be ${what}` })
    } catch (error) {
      throw new Error(`${String(error)}; last seen: ${JSON.stringify(seen)}\n${this.house.output()}`, { cause: error })
    }
    return seen!
  }

  certified(id: string): Promise<Mapping> {
    return this.mappingIs(id, "certified", (mapping) => mapping.certificate?.state === "issued")
  }

  /** One request that must succeed; its JSON. */
  async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.ask(method, path, body)
    if (status < 200 || status > 299) throw new Error(`${method} ${path} answered ${status}: ${text}`)
    return (text === "" ? undefined : JSON.parse(text)) as T
  }
}
