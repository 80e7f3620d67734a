import { describe, expect, test } from "bun:test"
import { challengeName, ChallengeUnready, DnsChallenges, type DnsChallengesOptions } from "./dns-challenges"

const target = "x234.acme.cloud.test"
const signal = new AbortController().signal
type Said = { server: string; outcome: string; values: string[] }

/** A DNS of CNAMEs and TXT records at two servers, and what was put up and taken down where. */
function setup(change: Partial<DnsChallengesOptions> & { cnames?: Record<string, string> } = {}) {
  const { cnames = {}, ...options } = change
  const log: string[] = []
  const txt: { answers: Said[] } = { answers: [] }
  const undo = (what: string) => () => void log.push(`- ${what}`)
  const challenges = new DnsChallenges({
    lookup: async (name, type) => {
      if (type === "TXT") return txt
      const value = cnames[name]
      return { answers: [{ server: "ns1.test", outcome: value ? "answer" : "nxdomain", values: value ? [value] : [] }] }
    },
    delegation: async () => ({
      target,
      put: (value) => {
        log.push(`+ ours ${value}`)
        return undo(`ours ${value}`)
      },
    }),
    hasCredential: async () => false,
    writeTxt: async (_host, name, value) => {
      log.push(`+ ${name} ${value}`)
      return async () => undo(`${name} ${value}`)()
    },
    pointsHere: async () => true,
    visibleWithinMs: 60,
    pollMs: 5,
    ...options,
  })
  return { challenges, log, txt }
}
const seen = (...values: string[][]): Said[] => values.map((one, index) => ({ server: `ns${index}.test`, outcome: "answer", values: one }))

test.each([
  ["app.example.com", "_acme-challenge.app.example.com"],
  ["*.app.example.com", "_acme-challenge.app.example.com"],
])("the challenge of %s stands at %s", (hostname, name) => expect(challengeName(hostname)).toBe(name))

describe("delegation", () => {
  test.each<[string, Record<string, string>]>([
    ["at once", { "_acme-challenge.a.test": target }],
    ["in capitals and with a dot", { "_acme-challenge.a.test": "X234.ACME.cloud.test." }],
    ["over another name", { "_acme-challenge.a.test": "other.test.", "other.test": target }],
  ])("a CNAME that leads to us %s is followed, and preferred", async (_, cnames) => {
    const { challenges, log, txt } = setup({ cnames })
    const challenge = await challenges.for("*.a.test")
    expect(challenge?.isPreferred).toBe(true)
    txt.answers = seen(["v"])
    const takeDown = await challenge!.put("_acme-challenge.a.test", "v", signal)
    await takeDown()
    expect(log).toEqual(["+ ours v", "- ours v"])
  })

  test.each<[string, Record<string, string>, string]>([
    ["missing", {}, `make the record _acme-challenge.a.test CNAME ${target} (there is none yet)`],
    ["to another", { "_acme-challenge.a.test": "y.acme.cloud.test" }, "(now it leads to y.acme.cloud.test)"],
    ["in a circle", { "_acme-challenge.a.test": "b.test", "b.test": "_acme-challenge.a.test" }, "(now it leads to "],
  ])("one that is %s is said to a wildcard, and no challenge of another name", async (_, cnames, said) => {
    const { challenges } = setup({ cnames })
    const refused = await challenges.for("*.a.test").catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ChallengeUnready)
    expect((refused as Error).message).toContain(said)
    expect(await challenges.for("a.test")).toBeUndefined()
  })

  test("a name that nobody holds has none", async () => {
    const { challenges } = setup({ delegation: async () => undefined, cnames: { "_acme-challenge.a.test": target } })
    expect(await challenges.for("a.test")).toBeUndefined()
    expect(challenges.for("*.a.test")).rejects.toThrow("connect an owned domain that covers it")
  })
})

describe("a credential", () => {
  test.each([true, false])("is used, before the ports unless the name leads here (%p)", async (here) => {
    const { challenges, log, txt } = setup({ hasCredential: async () => true, pointsHere: async () => here })
    const challenge = await challenges.for("*.a.test")
    expect(challenge?.isPreferred).toBe(!here)
    txt.answers = seen(["v"])
    await (
      await challenge!.put("_acme-challenge.a.test", "v", signal)
    )()
    expect(log).toEqual(["+ _acme-challenge.a.test v", "- _acme-challenge.a.test v"])
  })

  test("that does not work leaves the challenge undone", async () => {
    const { challenges } = setup({ hasCredential: async () => true, writeTxt: async () => undefined })
    expect((await challenges.for("a.test"))!.put("_acme-challenge.a.test", "v", signal)).rejects.toThrow("could not be written")
  })
})

describe("what is put up", () => {
  const delegated = { cnames: { "_acme-challenge.a.test": target } }
  const put = async (t: ReturnType<typeof setup>, until = signal) =>
    (await t.challenges.for("a.test"))!.put("_acme-challenge.a.test", "v", until)

  test("is waited for at every server that can be asked", async () => {
    const t = setup({ ...delegated, visibleWithinMs: 5000 })
    t.txt.answers = seen(["v"], ["old"])
    let isUp = false
    const up = put(t).then(() => (isUp = true))
    await Bun.sleep(30)
    expect(isUp).toBe(false)
    t.txt.answers = [...seen(["v"], ["old", "v"]), { server: "ns3.test", outcome: "unreachable", values: [] }]
    await up
    expect(isUp).toBe(true)
  })

  test("is taken down where a server does not show it in time, and the server is named", async () => {
    const t = setup(delegated)
    t.txt.answers = [...seen(["v"], ["old"]), { server: "ns2.test", outcome: "nxdomain", values: [] }]
    const refused = await put(t).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ChallengeUnready)
    expect((refused as Error).message).toContain("at ns1.test, ns2.test within")
    expect(t.log).toEqual(["+ ours v", "- ours v"])
  })

  test("is for the CA to find where no server can be asked from here", async () => {
    const t = setup(delegated)
    t.txt.answers = [{ server: "ns1.test", outcome: "unreachable", values: [] }]
    await put(t)
    expect(t.log).toEqual(["+ ours v"])
  })

  test("is taken down when the order is cut short", async () => {
    const t = setup({ ...delegated, visibleWithinMs: 60_000 })
    t.txt.answers = seen(["old"])
    const stop = new AbortController()
    const up = put(t, stop.signal)
    stop.abort(new Error("stopped"))
    expect(up).rejects.toThrow("stopped")
    await up.catch(() => {})
    expect(t.log).toEqual(["+ ours v", "- ours v"])
  })

  test("and cannot be taken down again is a fault that ends nothing", async () => {
    const faults: unknown[] = []
    const remove = () => {
      throw new Error("no")
    }
    const t = setup({ ...delegated, delegation: async () => ({ target, put: () => remove }), onFault: (error) => faults.push(error) })
    t.txt.answers = seen(["v"])
    await (
      await put(t)
    )()
    expect(faults).toHaveLength(1)
  })
})
