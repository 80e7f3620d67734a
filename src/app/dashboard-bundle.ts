import { existsSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import { brotliCompressSync, constants } from "node:zlib"
import { assetsPath, type Dashboard } from "../http/dashboard-routes"

/** The dashboard's files as a text that the binary carries: the document, and of each file its type and its bytes in base64. */
type Packed = { page: string; files: Record<string, { type: string; gzip: string; brotli: string }> }

/** The dashboard for browsers. The binary carries what `scripts/build` made of it; from source it is made when it is first asked for. */
export class DashboardBundle {
  private made: Promise<Dashboard> | undefined

  dashboard = (): Promise<Dashboard> => {
    this.made ??= (existsSync(entry) ? packDashboard() : embedded()).then(unpack)
    return this.made
  }
}

// In the binary no source stands beside the program.
const entry = fileURLToPath(new URL("../dashboard/index.html", import.meta.url))

const embedded = async (): Promise<string> => (await import("../../dist/dashboard.txt")).default

/** Bundles the dashboard. The same source makes the same text, byte for byte. */
export async function packDashboard(): Promise<string> {
  const { default: tailwind } = await import("bun-plugin-tailwind")
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    splitting: true,
    minify: true,
    publicPath: `${assetsPath}/`,
    naming: { chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [tailwind],
  })
  const packed: Packed = { page: "", files: {} }
  for (const output of outputs.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const bytes = new Uint8Array(await output.arrayBuffer())
    if (output.path.endsWith(".html")) packed.page = new TextDecoder().decode(bytes)
    else
      packed.files[basename(output.path)] = {
        type: output.type,
        gzip: Buffer.from(Bun.gzipSync(bytes, { level: 9 })).toString("base64"),
        brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).toString("base64"),
      }
  }
  return JSON.stringify(packed)
}

function unpack(text: string): Dashboard {
  const { page, files } = JSON.parse(text) as Packed
  const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"))
  return {
    page,
    files: new Map(
      Object.entries(files).map(([path, { type, gzip, brotli }]) => [path, { type, gzip: bytes(gzip), brotli: bytes(brotli) }]),
    ),
  }
}
