import { expect, test } from "bun:test"
import { openDatabase } from "../db/open"
import { IngressRules } from "./ingress"
import { newRow } from "./new-row"
import { ContainerStore } from "./store"

const ann = { personId: "ann", isAdmin: false }

/** `edge` is what the world has by now, which takes a moment at each change. */
async function setup() {
  const db = await openDatabase(":memory:")
  const person = { id: "ann", username: "ann", displayName: "Ann", passwordHash: "", isAdmin: 0, createdAt: 0 }
  await db.insertInto("people").values(person).execute()
  const store = new ContainerStore(db)
  const row = newRow(ann, "web", 0)
  await store.insert(row, 10)
  const edge = { ports: [] as number[], certified: [] as number[][] }
  const ingress: IngressRules = new IngressRules({
    store,
    own: async () => row,
    baseDomain: "cloud.test",
    now: () => 5000,
    onChange: async () => {
      await Bun.sleep(1)
      edge.ports = (await ingress.routes()).map(({ port }) => port)
    },
    certify: () => void edge.certified.push(edge.ports),
    portProblem: (port) => (port === 8999 && edge.ports.includes(port) ? "another program has the port" : undefined),
  })
  return { ingress, edge, id: row.id }
}

test("a rule is live when it is answered, and says at once when nothing can be", async () => {
  const { ingress, edge, id } = await setup()
  expect(await ingress.put(ann, id, { port: 8443, target_port: 3000 })).toMatchObject({ port: 8443, target_port: 3000, created_at: 5 })
  expect(edge).toEqual({ ports: [8443], certified: [[8443]] })
  const { problem } = await ingress.put(ann, id, { port: 8999, target_port: 3000 })
  expect(problem).toBe("another program has the port")
  await ingress.delete(ann, id, "8443")
  expect(edge.ports).toEqual([8999])
})
