import type { Random } from "./random"
import type { RawClient } from "./raw-client"

/** How bytes are sent: where they are cut into writes (and so into TLS records), and how long to wait between two of them. */
export type Delivery = { cuts: number[]; pauseMs: number }

/** All at once. */
export const whole: Delivery = { cuts: [], pauseMs: -1 }

/** Each byte by itself, for at most `limit` bytes; the rest follows at once. */
export const byteByByte = (limit: number): Delivery => ({ cuts: Array.from({ length: limit }, (_, i) => i + 1), pauseMs: 0 })

/** Half of all messages go at once, the others in up to six pieces; -1 does not wait, 0 lets others run in between. */
export function randomDelivery(random: Random, size: number): Delivery {
  if (random.oneIn(2) || size < 2) return whole
  const cuts = Array.from({ length: 1 + random.below(5) }, () => 1 + random.below(size - 1)).sort((a, b) => a - b)
  return { cuts, pauseMs: random.pick([-1, 0, 0, 1]) }
}

/** Sends bytes as the delivery says. */
export async function deliver(bytes: Buffer, delivery: Delivery, client: Pick<RawClient, "send">): Promise<void> {
  let at = 0
  for (const cut of [...delivery.cuts.filter((cut) => cut < bytes.length), bytes.length]) {
    client.send(bytes.subarray(at, cut))
    at = cut
    if (at === bytes.length || delivery.pauseMs < 0) continue
    if (delivery.pauseMs === 0) await new Promise((resolve) => setImmediate(resolve))
    else await Bun.sleep(delivery.pauseMs)
  }
}
