import { type Browser, chromium, type Page } from "playwright-core"

const fullPath = "/usr/bin/chromium"
/** The same engine without windows, extensions and the viewer of PDFs: pages come in half the time. */
const shellPath = "/usr/bin/chromium-headless-shell"
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
]

const hasShell = await Bun.file(shellPath).exists()
export const hasChromium = await Bun.file(fullPath).exists()

const starting =
  (executablePath: string) =>
  (...args: string[]): Promise<Browser> =>
    chromium.launch({ executablePath, args: [...flags, ...args] })

/** `args` are added to those that every test needs. */
export const startChromium = starting(hasShell ? shellPath : fullPath)
/** For what the shell lacks, such as the viewer of PDFs. */
export const startFullChromium = starting(fullPath)

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
