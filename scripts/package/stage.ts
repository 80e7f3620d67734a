// Everything in the Debian package but the program: `bun scripts/package/stage.ts FOLDER amd64|arm64`.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { configuration, configurationFile } from "../../src/install/configuration"
import { containersDropIn, enabledUnits, packagedProgram, unitsFor } from "../../src/install/units"
import { version } from "../../src/version"

const [stage = "", architecture = ""] = process.argv.slice(2)
const repository = join(import.meta.dir, "../..")
const documentation = "/usr/share/doc/freehold"

const put = (path: string, text: string, mode = 0o644) => {
  const file = join(stage, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  chmodSync(file, mode)
}
/**
 * Who looks after the package, which Debian wants as a name and an address (Policy 5.6.2); whoever hands out builds of their own puts theirs into package.json.
 * One without a mailbox has root@localhost: on each machine that is whoever looks after it.
 */
function maintainerOf({ author }: { author?: string | { name?: string; email?: string } }): string {
  const text = typeof author === "object" ? `${author.name ?? ""} <${author.email ?? ""}>` : (author ?? "")
  if (/^[^<>,"\n]*[^<>,"\s] <[^<>@\s]+@[^<>@\s]+>$/.test(text)) return text
  console.error(
    `package.json: author must be "Name <address>", for it becomes the maintainer of the Debian package; it is ${JSON.stringify(text)}`,
  )
  process.exit(1)
}

const ours = (path: string) => readFileSync(join(repository, path), "utf8")

for (const [name, text] of Object.entries(unitsFor(packagedProgram))) put(`/usr/lib/systemd/system/${name}`, text)
put(configurationFile, configuration({}), 0o640)
put(`${documentation}/README.md`, ours("README.md"))
put(`${documentation}/CHANGELOG.md`, ours("CHANGELOG.md"))
put(`${documentation}/OPERATING.md`, ours("docs/OPERATING.md"))
put(`${documentation}/examples/freehold-containers.conf`, containersDropIn.text)
const maintainer = maintainerOf(JSON.parse(ours("package.json")))
const made = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toUTCString().replace("GMT", "+0000")
put(
  `${documentation}/changelog`,
  `freehold (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n -- ${maintainer}  ${made}\n`,
)
const licence = ours("LICENSE").trimEnd()
const indented = licence.split("\n").map((line) => (line === "" ? " ." : ` ${line}`))
put(
  `${documentation}/copyright`,
  `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Freehold
Comment: What is built in, with its licences, is listed in the bill of materials of the release.

Files: *
Copyright: ${/Copyright \(c\) (.*)/.exec(licence)?.[1] ?? ""}
License: Expat
${indented.join("\n")}
`,
)
put(
  "/usr/share/lintian/overrides/freehold",
  `# The program is Bun with our code behind its last section: stripping would cut that off, and what Bun links in is its own.
freehold: unstripped-binary-or-object [usr/bin/freehold]
freehold: embedded-library *
freehold: hardening-no-pie [usr/bin/freehold]
freehold: hardening-no-relro [usr/bin/freehold]
# "freehold help" is the manual.
freehold: no-manual-page [usr/bin/freehold]
# Its secrets have a better place, but some may be in it.
freehold: non-standard-file-perm 0640 != 0644 [etc/freehold/freehold.toml]
`,
)
put(
  "DEBIAN/control",
  `Package: freehold
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Section: web
Priority: optional
Depends: libc6 (>= 2.31), passwd, systemd (>= 250)
Recommends: ca-certificates
Suggests: podman
Description: your own cloud's front door in one binary
 Freehold brings hostnames to the containers of a machine: it proves who owns
 them by DNS, gets and renews their certificates, and relays HTTPS. API,
 dashboard, DNS server, S3 storage and SSH gateway are in the same program.
`,
)
put("DEBIAN/conffiles", `${configurationFile}\n`)
for (const name of ["postinst", "prerm", "postrm"]) {
  const script = ours(`scripts/package/${name}`)
  const forgotten = Object.keys(enabledUnits).filter((unit) => !script.includes(unit))
  if (forgotten.length > 0) throw new Error(`scripts/package/${name} does nothing with ${forgotten.join(", ")}`)
  put(`DEBIAN/${name}`, script, 0o755)
}
