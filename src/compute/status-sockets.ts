import type { Log } from "../log"
import type { Peer, PeerUser, SocketRoute } from "../peer"
import type { Caller, ContainerReply } from "./model"

/** Changes come in bursts: one look this long after the first of them tells them all. */
const burstMs = 25
const maxPerPerson = 250

export type StatusNeeds = {
  /** The caller's containers as they are now. */
  list: (caller: Caller) => Promise<ContainerReply[]>
  log: Log
}

/** What one person's sockets have been told. */
type Audience = {
  caller: Caller
  told: Map<string, string>
  /** The peers, and whether each has the same picture as `told`; one that has not gets the whole again. */
  peers: Map<Peer, { isCurrent: boolean; isBehind: boolean }>
  again: boolean
  telling: boolean
}

/**
 * `/compute/ws`: the whole list when a socket opens and whenever a container has come or gone, and between them the status of each container that
 * changed (platform-api.md section 3.6). For a peer that does not keep up nothing is queued: it gets the whole list once it has caught up.
 */
export class StatusSockets {
  private audiences = new Map<string, Audience>()
  private timer: Timer | undefined
  private stopped = false

  constructor(private needs: StatusNeeds) {}

  /** The route; `authorize` says who may see their containers. */
  route(authorize: (request: Request) => Promise<Caller>): SocketRoute {
    return {
      path: "/compute/ws",
      isOnRecord: false,
      maxPerPerson,
      authorize,
      prepare:
        async ({ caller }) =>
        (peer) =>
          this.join(caller, peer),
      stop: async () => this.stop(),
    }
  }

  /** Something about somebody's containers may have changed. Returns at once. */
  changed(): void {
    if (this.stopped || this.audiences.size === 0) return
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      for (const audience of this.audiences.values()) this.tell(audience)
    }, burstMs)
  }

  private stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.audiences.clear()
  }

  private join(caller: Caller, peer: Peer): PeerUser {
    const known = this.audiences.get(caller.personId)
    const audience: Audience = known ?? { caller, told: new Map(), peers: new Map(), again: false, telling: false }
    this.audiences.set(caller.personId, audience)
    const state = { isCurrent: false, isBehind: false }
    audience.peers.set(peer, state)
    this.tell(audience)
    return {
      // Nothing is asked of us here.
      onMessage: () => {},
      onDrain: () => {
        state.isBehind = false
        if (!state.isCurrent) this.tell(audience)
      },
      onClosed: () => {
        audience.peers.delete(peer)
        if (audience.peers.size === 0 && this.audiences.get(caller.personId) === audience) this.audiences.delete(caller.personId)
      },
    }
  }

  /** One look at a time for each person; what changes during it is seen by the next one. */
  private tell(audience: Audience): void {
    audience.again = true
    if (audience.telling) return
    audience.telling = true
    void this.tellAll(audience)
  }

  private async tellAll(audience: Audience): Promise<void> {
    try {
      while (audience.again && !this.stopped) {
        audience.again = false
        this.send(audience, await this.needs.list(audience.caller))
      }
    } catch (error) {
      this.needs.log.error("the status of containers could not be sent", { error })
    } finally {
      audience.telling = false
    }
  }

  private send(audience: Audience, containers: ContainerReply[]): void {
    const states = new Map(containers.map((container) => [container.id, stateOf(container)]))
    const isOtherSet = states.size !== audience.told.size || [...states.keys()].some((id) => !audience.told.has(id))
    const changed = containers.filter(({ id }) => audience.told.get(id) !== states.get(id))
    audience.told = states
    const whole = once(() => JSON.stringify({ type: "containers", data: containers }))
    const changes = once(() => changed.map((container) => JSON.stringify({ type: "container_status", data: statusOf(container) })))
    for (const [peer, state] of audience.peers) {
      if (state.isBehind) state.isCurrent &&= changed.length === 0 && !isOtherSet
      else {
        const messages = state.isCurrent && !isOtherSet ? changes() : [whole()]
        state.isCurrent = true
        for (const message of messages) if (!peer.send(message)) state.isBehind = true
      }
    }
  }
}

/** What of a container is pushed when it changes. */
const stateOf = (container: ContainerReply) => JSON.stringify(statusOf(container))

function statusOf({ id, status, status_detail, address }: ContainerReply) {
  return {
    container_id: id,
    status,
    ...(status_detail === undefined ? {} : { status_detail }),
    ...(address === undefined ? {} : { external_ip: address }),
  }
}

/** Made when somebody needs it, for all who do. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}
