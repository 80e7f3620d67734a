import { ApiHouse } from "./api.fixture"

/** A process of its own whose memory can be watched: serves until its standard input ends. */
const api = await ApiHouse.open()
await api.house.namespace("photos")
process.stdout.write(`${JSON.stringify({ origin: api.serve(), token: await api.session("ann") })}\n`)
for await (const line of process.stdin) void line
await api.close()
process.exit()
