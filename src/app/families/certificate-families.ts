import type { CertificateCensus } from "../../edge/certificate-census"
import type { OrderCount } from "../../edge/order-counts"
import { byLabel, type Family, gauge } from "../../metrics/family"

export type CertificateReadings = {
  census: () => Promise<CertificateCensus>
  /** Those that may be asked, whether or not they were. */
  directories: readonly string[]
  orders: () => OrderCount[]
  attempts: () => Promise<{ waiting: number; failing: number }>
}

/** Certificates, and the orders for them. */
export function certificateFamilies({ census, directories, orders, attempts }: CertificateReadings): Family[] {
  const failed = ({ failures }: OrderCount) => [...failures].reduce((sum, [kind, count]) => (neverSent.has(kind) ? sum : sum + count), 0)
  return [
    byLabel("gauge", "freehold_certificates", "Certificates in use by days left.", "days_left", async () => (await census()).daysLeft),
    gauge(
      "freehold_certificate_soonest_expiry_timestamp_seconds",
      "When the first of the certificates in use ends, in Unix time; absent where there is none.",
      async () => {
        const { soonestEnd } = await census()
        return soonestEnd === undefined ? undefined : soonestEnd / 1000
      },
    ),
    gauge(
      "freehold_certificates_overdue",
      "Certificates in use of which a quarter of the time between their renewal and their end is over.",
      async () => (await census()).overdue,
    ),
    {
      name: "freehold_acme_orders_total",
      help: "Orders that have ended, by directory (internal is the built-in CA) and result: issued or failed.",
      labels: ["directory", "result"],
      type: "counter",
      read: () => {
        const counts = new Map(orders().map((count) => [count.issuer, count]))
        return [...new Set([...directories, "internal", ...counts.keys()])].flatMap((directory) => {
          const count = counts.get(directory)
          return [
            { labels: { directory, result: "issued" }, value: count?.issued ?? 0 },
            { labels: { directory, result: "failed" }, value: count === undefined ? 0 : failed(count) },
          ]
        })
      },
    },
    {
      name: "freehold_acme_order_failures_total",
      help: "Certificates that were not had, by directory and kind: the CA's error type (RFC 8555 section 6.7), unready where the DNS record of a challenge was not there, preflight where an order was not sent since it could not go well, put_off where the limit of orders was reached, handshake_budget where a handshake was refused since such orders have used up their budget, or other, such as a directory that is away.",
      labels: ["directory", "kind"],
      type: "counter",
      read: () =>
        orders().flatMap(({ issuer, failures }) => [...failures].map(([kind, value]) => ({ labels: { directory: issuer, kind }, value }))),
    },
    gauge("freehold_certificate_hostnames_failing", "Hostnames whose last order failed.", async () => (await attempts()).failing),
  ]
}

const neverSent = new Set(["preflight", "put_off", "handshake_budget"])
