import { Link } from "@tanstack/react-router"
import { Fact, Facts, Section } from "../../parts/page"
import { bytes, count } from "../../parts/time"
import { home } from "../../words/home"
import { shell } from "../../words/shell"
import type { Overview } from "./data"

/** How the server itself stands, for administrators. */
export function Server({ house: { disk, engine, certificates, storage_faults: faults } }: { house: NonNullable<Overview["house"]> }) {
  const total = count(certificates.total)
  const name = engine.kind === null ? home.engineStates[engine.state] : `${engine.kind} ${engine.version ?? ""}`
  return (
    <Section
      title={home.server}
      actions={
        <Link to="/administration/system" className="text-accent hover:underline">
          {shell.nav.administration}
        </Link>
      }
    >
      <Facts>
        <Fact name={home.disk}>
          {home.diskFree(bytes(disk.free_bytes), bytes(disk.total_bytes))}
          <svg
            aria-hidden
            viewBox="0 0 100 6"
            preserveAspectRatio="none"
            className="mt-1.5 h-1.5 w-full max-w-48 rounded-full bg-sunken text-accent"
          >
            <rect width={(1 - disk.free_bytes / Math.max(disk.total_bytes, 1)) * 100} height="6" fill="currentColor" />
          </svg>
        </Fact>
        <Fact name={home.engine}>{engine.state === "away" ? `${name}: ${home.engineStates.away.toLowerCase()}` : name}</Fact>
        <Fact name={home.certificates}>
          {certificates.failing === 0 ? home.certificatesWell(total) : home.certificatesFailing(total, count(certificates.failing))}
        </Fact>
        <Fact name={home.storedFiles}>{faults === 0 ? home.storedWell : home.storedDamaged(count(faults))}</Fact>
      </Facts>
    </Section>
  )
}
