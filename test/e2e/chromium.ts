import { type Browser, chromium, type Page } from "playwright-core"

const chromiumPath = "/usr/bin/chromium"
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
]

export const hasChromium = await Bun.file(chromiumPath).exists()

/** `args` are added to those that every test needs. */
export const startChromium = (...args: string[]): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath, args: [...flags, ...args] })

const axeSource = await Bun.file(require.resolve("axe-core/axe.min.js")).text()

/** What axe-core, with every rule that it has on by default, says against the page as it is now; waits until nothing moves, since half-transparent text has no contrast. */
export async function complaints(page: Page): Promise<string[]> {
  await page.waitForFunction(() =>
    document.getAnimations().every(({ playState, effect }) => playState !== "running" || effect?.getTiming().iterations === Infinity),
  )
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = globalThis as never as {
      axe: { run(context: unknown): Promise<{ violations: { id: string; nodes: { target: unknown; failureSummary: string }[] }[] }> }
    }
    const { violations } = await axe.run(document)
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${String(target)}: ${failureSummary}`))
  })
}
