import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The widget as one script for browsers. The binary carries what `scripts/build` made of it; from source it is made when it is first asked for. */
export class WidgetScript {
  private made: Promise<string> | undefined

  text = (): Promise<string> => {
    this.made ??= existsSync(entry) ? bundle() : embedded()
    return this.made
  }
}

// In the binary no source stands beside the program.
const entry = fileURLToPath(new URL("../widget/widget.ts", import.meta.url))

const embedded = async (): Promise<string> => (await import("../../dist/widget.txt")).default

async function bundle(): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser", format: "iife", minify: true })
  const [script] = outputs
  if (script === undefined) throw new Error("the widget could not be built")
  return script.text()
}
