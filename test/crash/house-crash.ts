import { admin } from "../e2e/appliance"
import { type Stage, startStage } from "../e2e/stage"
import { waitUntil } from "../lab/process"
import { Containers } from "./house-containers"
import { Names } from "./house-names"
import { Files, Tokens } from "./house-things"
import { CutOff, Hand, type Workflow } from "./house-workflow"
import { randomOf } from "./storage-content"

export type HouseFigures = { kills: number; duringStart: number; seconds: number; done: string[] }

/** A start takes about this long; the kill falls somewhere within. */
const startMs = 900
const liveMs = 2500

/**
 * Kills the whole appliance with SIGKILL at random moments of hostnames' lives, container changes, uploads and token changes, all at once, with a real
 * CA, real name servers and a real engine around it; and after each kill compares what is there with what was acknowledged: no hostname served without
 * proof, no certificate lost or ordered twice, no orphan container, no torn file. Throws with what is wrong and the seed.
 */
export async function crashHouse(options: { kills: number; seed: number; say?: (text: string) => void }): Promise<HouseFigures> {
  const { kills, seed, say = () => {} } = options
  const random = randomOf(seed)
  const began = performance.now()
  const upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
  const prepare = async () => ({
    FREEHOLD_DNS_RECURSIVES: "none",
    FREEHOLD_MAX_PENDING_MAPPINGS: "1000",
    FREEHOLD_DRIFT_INTERVAL: "5s",
  })
  const stage = await startStage({ pebble: true, podman: true, front: true, prepare })
  const figures: HouseFigures = { kills: 0, duringStart: 0, seconds: 0, done: [] }
  try {
    const { names, containers, workflows } = await arrange(stage, upstream.port ?? 0, random)
    while (figures.kills < kills) {
      await live(workflows, async () => {
        await Bun.sleep(random() ** 2 * liveMs)
        await stage.house.kill()
      })
      figures.kills++
      names.killed()
      // Every third is killed on its way up as well.
      while (random() < 0.3 && figures.kills < kills && (await diesStarting(stage, random() * startMs))) {
        figures.kills++
        figures.duringStart++
        names.killed()
      }
      await stage.house.start()
      for (const workflow of workflows) await workflow.compare()
      if (figures.kills % 5 === 0) await containers.settle()
      figures.seconds = (performance.now() - began) / 1000
      if (figures.kills % 20 === 0) say(`${figures.kills} kills: ${workflows.map((workflow) => workflow.figures()).join("; ")}`)
    }
    await containers.settle()
    let waiting: string[] = []
    await waitUntil(async () => (waiting = await names.uncertified()).length === 0, {
      what: "what was proven to be certified",
      limitMs: 90_000,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${waiting.join(", ")}`, { cause: error })
    })
    figures.seconds = (performance.now() - began) / 1000
    figures.done = workflows.map((workflow) => workflow.figures())
    return figures
  } catch (error) {
    const log = stage.house.history().slice(-6000)
    throw new Error(`kill ${figures.kills} of the run with seed ${seed}: ${String(error)}\n--- the appliance's log\n${log}`, {
      cause: error,
    })
  } finally {
    await stage.stop()
    await upstream.stop(true)
  }
}

async function arrange(stage: Stage, port: number, random: () => number) {
  const ada = await stage.house.login(admin)
  const hand = new Hand(ada)
  const container = await ada.external("app", { "8080": port })
  const application = (
    await ada.send<{ id: string }>("POST", "/v1/applications", { name: "Crash", origin_url: `http://127.0.0.1:${port}` })
  ).id
  await ada.send("POST", "/storage/namespaces", { name: "crash" })
  const names = new Names(stage, hand, { container, application, random })
  const containers = new Containers(stage, hand, random)
  const workflows: Workflow[] = [
    names,
    containers,
    new Files(stage.house, ada.token, random),
    new Tokens(stage.house, hand, ada.id, random),
  ]
  return { names, containers, workflows }
}

/** All workflows at once until the kill; what they say of an appliance that still lived is thrown. */
async function live(workflows: Workflow[], kill: () => Promise<void>): Promise<void> {
  const life = new AbortController()
  const loops = workflows.map(async (workflow) => {
    while (!life.signal.aborted) {
      try {
        await workflow.step()
      } catch (error) {
        if (!(error instanceof CutOff)) throw new Error(`${workflow.name}: ${String(error)}`, { cause: error })
        if (!life.signal.aborted) await Bun.sleep(20)
      }
    }
  })
  const killed = kill().finally(() => life.abort())
  await Promise.all([killed, ...loops])
}

/** False when it was up before its time was over; it is killed in both cases. */
async function diesStarting(stage: Stage, limitMs: number): Promise<boolean> {
  const isUp = await stage.house.start({}, limitMs).then(
    () => true,
    (error: unknown) => {
      if (!String(error).includes("for freehold to be ready")) throw error
      return false
    },
  )
  if (isUp) await stage.house.kill()
  return !isUp
}

/** One line for people. */
export const describeHouse = ({ kills, duringStart, seconds, done }: HouseFigures): string =>
  `${kills} kills (${duringStart} during the start) in ${Math.round(seconds)} s; ${done.join("; ")}: nothing lost, nothing served without proof, nothing left behind`
