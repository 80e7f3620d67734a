import type { ApplicationRow, Environment } from "../db/connect-schema"
import { AppError } from "../errors"
import { type After, page, type Page } from "../paging"
import type { ApplicationStore } from "./application-store"
import {
  applicationReply,
  type Destination,
  invalid,
  newId,
  notFound,
  parseDestination,
  parseEnvironment,
  parseName,
  parseOrigins,
  type Principal,
} from "./model"
import { parseTemplate } from "./records"

/** What applications need of the rest of the house. */
export type ApplicationNeeds = {
  store: ApplicationStore
  /** Throws `invalid`, `not_found` or `forbidden` where this person may not have traffic led there. */
  checkDestination: (principal: Principal, destination: Destination) => Promise<void>
  /** What applications say of where connections lead changed: the edge has to hear of it. */
  publish: () => Promise<void>
  now: () => number
}

const applicationsPerPerson = 200
const changeable = ["name", "allowed_origins", "record_template", "origin_url", "container_id", "target_port"]

/** Applications: what a product's connections have in common. */
export class Applications {
  private origins = new Set<string>()

  constructor(private needs: ApplicationNeeds) {}

  /** Throws `invalid`, and `conflict` past 200 applications. */
  async create(principal: Principal, body: Record<string, unknown>) {
    const environment = environmentOf(principal, body.environment)
    const destination = parseDestination(body) ?? { originUrl: null, containerId: null, targetPort: null }
    const template = parseOptionalTemplate(body.record_template)
    const row: ApplicationRow = {
      id: newId(),
      personId: principal.personId,
      name: parseName(body.name),
      environment,
      allowedOrigins: JSON.stringify(parseOrigins(body.allowed_origins)),
      recordTemplate: template ?? null,
      ...destination,
      createdAt: this.needs.now(),
    }
    await this.needs.checkDestination(principal, destination)
    if (!(await this.needs.store.insert(row, applicationsPerPerson)))
      throw new AppError("conflict", `no more than ${applicationsPerPerson} applications`)
    await this.readOrigins()
    return applicationReply(row)
  }

  async list(principal: Principal, { limit, after }: { limit: number; after: After | undefined }): Promise<Page<unknown>> {
    return page(await this.needs.store.list(principal, limit, after), limit, applicationReply)
  }

  get = async (principal: Principal, id: string) => applicationReply(await this.own(principal, id))

  /** Changes the fields that are named. Throws `invalid` for one that cannot be changed, and `not_found`. */
  async update(principal: Principal, id: string, body: Record<string, unknown>) {
    const row = await this.own(principal, id)
    const other = Object.keys(body).find((name) => !changeable.includes(name))
    if (other !== undefined)
      throw invalid(`${JSON.stringify(other.slice(0, 60))} cannot be changed: an update changes ${changeable.join(", ")}`)
    const change: Partial<ApplicationRow> = {}
    if (body.name !== undefined) change.name = parseName(body.name)
    if (body.allowed_origins !== undefined) change.allowedOrigins = JSON.stringify(parseOrigins(body.allowed_origins))
    const template = parseOptionalTemplate(body.record_template)
    if (template !== undefined) change.recordTemplate = template
    const destination = parseDestination(body)
    if (destination !== undefined) {
      await this.needs.checkDestination(principal, destination)
      Object.assign(change, destination)
    }
    await this.needs.store.update(row.id, change)
    await this.readOrigins()
    if (destination !== undefined) await this.needs.publish()
    return this.get(principal, id)
  }

  /** Throws `not_found`, and `conflict` while connections of it are not archived. */
  async delete(principal: Principal, id: string): Promise<void> {
    await this.own(principal, id)
    if (!(await this.needs.store.deleteEmpty(id)))
      throw new AppError("conflict", "the application has connections: archive them first, each by DELETE /v1/connections/{id}")
    await this.readOrigins()
  }

  /** The caller's own; throws `not_found` for every other one. */
  async own(principal: Principal, id: string): Promise<ApplicationRow> {
    const row = await this.needs.store.find(principal, id)
    if (row === undefined) throw notFound("application")
    return row
  }

  /** Whether some application lets pages of this origin embed the widget; answered from memory. */
  embeds = (origin: string): boolean => this.origins.has(origin)

  /** Takes over the origins from the store. */
  async readOrigins(): Promise<void> {
    this.origins = new Set(await this.needs.store.allOrigins())
  }
}

/** That of the key; a session says it, and means live where it does not. */
function environmentOf(principal: Principal, raw: unknown): Environment {
  const wanted = parseEnvironment(raw)
  if (principal.environment !== undefined && wanted !== undefined && wanted !== principal.environment)
    throw invalid(`environment: a ${principal.environment} key makes ${principal.environment} applications`)
  return principal.environment ?? wanted ?? "live"
}

/** As JSON for the store; null for none, undefined where it is not named. */
function parseOptionalTemplate(raw: unknown): string | null | undefined {
  if (raw === undefined || raw === null) return raw
  const template = parseTemplate(raw, "record_template")
  return template.length === 0 ? null : JSON.stringify(template)
}
