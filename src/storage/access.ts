import { AppError } from "../errors"
import { type Namespace, parseNamespaceName } from "./model"
import type { Namespaces } from "./namespaces"

/** Whom a request speaks for. */
export type Caller = { personId: string; isAdmin: boolean }

/** Scopes name one of these and, below it, a namespace. */
export type Resource = "files" | "namespaces"
export type Action = "create" | "read" | "update" | "delete"

/** What the house's guards say of a request; each throws `unauthorized` or `forbidden`. */
export type StorageDoor = {
  /** A token that may do this in its person's storage; `id` is the namespace, undefined for all of them. */
  scoped: (request: Request, resource: Resource, id: string | undefined, action: Action) => Promise<Caller>
  /** Any token that holds, whatever its scopes. */
  token: (request: Request) => Promise<Caller>
  session: (request: Request) => Promise<Caller>
  admin: (request: Request) => Promise<Caller>
}

/** Who may what in which namespace: a token must have the scope, and its person must own the namespace; only what is public is everybody's to read. */
export class StorageAccess {
  constructor(
    private namespaces: Namespaces,
    readonly door: StorageDoor,
  ) {}

  /**
   * As a reader of files. What is public is read by anybody, with whatever token or none. Throws `unauthorized` and `forbidden`, and `not_found` alike
   * for another's private namespace and for none.
   */
  async readable(request: Request, name: string): Promise<Namespace> {
    const open = await this.namespaces.publicOne(name)
    if (open !== undefined) return open
    const { personId } = await this.door.scoped(request, "files", name, "read")
    return this.namespaces.readable(parseNamespaceName(name), personId)
  }

  /** As its owner. Throws `unauthorized`, `forbidden` for a missing scope and for another's public namespace, `invalid` and `not_found`. */
  async owned(request: Request, resource: Resource, name: string, action: Action): Promise<Namespace> {
    const { personId } = await this.door.scoped(request, resource, name, action)
    return this.namespaces.owned(parseNamespaceName(name), personId)
  }

  /** Whom a request speaks for, or undefined where it speaks for nobody. */
  async maybeCaller(request: Request): Promise<Caller | undefined> {
    return orNobody(this.door.token(request))
  }

  async maybeSession(request: Request): Promise<Caller | undefined> {
    return orNobody(this.door.session(request))
  }
}

async function orNobody(asked: Promise<Caller>): Promise<Caller | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof AppError && error.code === "unauthorized") return undefined
    throw error
  }
}
