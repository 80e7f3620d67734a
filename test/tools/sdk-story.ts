import assert from "node:assert/strict"
import { join } from "node:path"
import { buckets } from "./house"
import type { Stage, Story } from "./step"

type Seen = { hosts: string[]; buckets: string[]; signed: string; [name: string]: unknown }

export const sdkStory: Story = {
  title: "SDK",
  programs: ["node", "curl"],
  steps: [
    {
      name: "puts, lists, uploads a stream in parts, gets and deletes in path style",
      run: (stage) => tell(stage, "path", "s3.home.test"),
    },
    {
      name: "does so in virtual-host style",
      run: (stage) => tell(stage, "virtual", "sdk-virtual.s3.home.test"),
    },
  ],
}

async function tell({ house, sizes }: Stage, style: "path" | "virtual", host: string): Promise<number> {
  const bundle = await Bun.build({
    entrypoints: [join(import.meta.dir, "sdk.ts")],
    target: "node",
    outdir: house.path("sdk"),
    naming: "sdk.mjs",
  })
  assert.ok(bundle.success)
  const bytes = sizes.middleBytes / 2
  const environment = { AWS_ACCESS_KEY_ID: house.key.id, AWS_SECRET_ACCESS_KEY: house.key.secret }
  const printed = await house.run(["node", house.path("sdk/sdk.mjs"), house.s3, `sdk-${style}`, style, String(bytes)], { environment })
  const { signed, hosts, buckets: listed, ...seen } = JSON.parse(printed) as Seen
  assert.ok(hosts.includes(host))
  assert.ok(buckets.every((name) => listed.includes(name)))
  assert.deepEqual(seen, {
    head: { size: 10, type: "text/plain", metadata: { mood: "good" } },
    text: "Dear Ada,\n",
    parts: Math.ceil(bytes / (8 * 1024 * 1024)),
    length: bytes,
    isSame: true,
    listed: Array.from({ length: 7 }, (_, index) => `many/${index}`),
    gone: "NoSuchKey",
  })
  assert.equal(new URL(signed).hostname, host)
  assert.equal(await house.run(["curl", "--silent", "--show-error", "--fail", signed]), "Dear Ada,\n")
  const forged = signed.replace(/(?<=X-Amz-Signature=)./, (first) => (first === "0" ? "1" : "0"))
  assert.match(await house.run(["curl", "--silent", "--show-error", forged]), /<Code>SignatureDoesNotMatch/)
  return 2 * bytes
}
