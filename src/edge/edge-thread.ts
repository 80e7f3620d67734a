// The entry of each thread that serves the edge beside the main thread: messages in, messages out.
import { parentPort } from "node:worker_threads"
import { ThreadEdge } from "./thread-edge"
import type { ToThread } from "./thread-messages"

if (parentPort === null) throw new Error("this is a thread of Freehold's edge, not a program")
const port = parentPort
const edge = new ThreadEdge((message, transfer = []) => port.postMessage(message, transfer))
port.on("message", (message: ToThread) => edge.receive(message))
