import type { Case } from "../bench"
import { download, upload } from "./bodies"
import { firstRequest } from "./first-request"
import { h1Keepalive } from "./h1-keepalive"
import { h2 } from "./h2"
import { handshakes } from "./handshakes"
import { hostnames } from "./hostnames"
import { idle } from "./idle"
import { latency } from "./latency"
import { resumed } from "./resumed"
import { websocket } from "./websocket"
import { workers } from "./workers"

/** Every case, in the order of the table. */
export const cases: Case[] = [
  h1Keepalive,
  h2,
  handshakes,
  resumed,
  download,
  upload,
  latency,
  websocket,
  hostnames,
  idle,
  firstRequest,
  workers,
]
