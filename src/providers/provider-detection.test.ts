import { expect, test } from "bun:test"
import { dnsHosts } from "./name-servers"
import { detectProvider, hostField } from "./provider-detection"

test.each([
  ["cloudflare", ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"]],
  ["digitalocean", ["ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com"]],
  ["gandi", ["ns-59-a.gandi.net", "ns-175-b.gandi.net", "ns-3-c.gandi.net"]],
  ["desec", ["ns1.desec.io", "ns2.desec.org"]],
  ["hetzner", ["hydrogen.ns.hetzner.com", "oxygen.ns.hetzner.com", "helium.ns.hetzner.de"]],
  ["vercel", ["ns1.vercel-dns.com", "ns2.vercel-dns.com"]],
  ["dnsimple", ["ns1.dnsimple.com", "ns2.dnsimple-edge.net", "ns3.dnsimple.com", "ns4.dnsimple-edge.org"]],
  ["porkbun", ["curitiba.ns.porkbun.com", "salvador.porkbun.com"]],
  ["linode", ["ns1.linode.com", "ns5.linode.com"]],
  ["vultr", ["ns1.vultr.com", "ns2.vultr.com"]],
  ["namecom", ["ns1fkl.name.com", "ns2jkl.name.com"]],
  ["godaddy", ["NS51.domaincontrol.com.", "ns52.domaincontrol.com."]],
  ["ionos", ["ns1042.ui-dns.biz", "ns1088.ui-dns.de", "ns1019.ui-dns.com", "ns1060.ui-dns.org"]],
  ["route53", ["ns-2048.awsdns-64.com", "ns-2049.awsdns-65.net", "ns-2050.awsdns-66.org", "ns-2051.awsdns-67.co.uk"]],
  ["azuredns", ["ns1-03.azure-dns.com", "ns2-03.azure-dns.net", "ns3-03.azure-dns.org", "ns4-03.azure-dns.info"]],
  ["namecheap", ["dns1.registrar-servers.com", "dns2.registrar-servers.com"]],
  ["ovh", ["dns17.ovh.net", "ns17.ovh.net"]],
  ["njalla", ["1-you.njalla.no", "2-can.njalla.in", "3-get.njalla.fo"]],
  ["aruba", ["dns.technorail.com", "dns3.arubadns.net", "dns4.arubadns.cz"]],
])("%s is known by its name servers", (key, servers) => {
  expect(detectProvider(servers)).toMatchObject({ key, confidence: "high" })
})

test.each([
  ["netlify", ["dns1.p03.nsone.net", "dns2.p03.nsone.net"]],
  ["gcpdns", ["ns-cloud-a1.googledomains.com", "ns-cloud-a2.googledomains.com"]],
])("%s is no more than likely, since others have servers of such names", (key, servers) => {
  expect(detectProvider(servers)).toMatchObject({ key, confidence: "medium" })
})

test("confidence falls with the share of servers that fit", () => {
  const [cloudflare, other] = ["ada.ns.cloudflare.com", "ns1.example.org"]
  expect(detectProvider([cloudflare, "bob.ns.cloudflare.com", other])?.confidence).toBe("medium")
  expect(detectProvider([cloudflare, other])?.confidence).toBe("low")
  expect(detectProvider([cloudflare, other, "ns2.example.org"])?.confidence).toBe("low")
  // The same server twice is one.
  expect(detectProvider([other, cloudflare, "ADA.NS.CLOUDFLARE.COM."])?.confidence).toBe("low")
  expect(detectProvider(["dns1.registrar-servers.com", "dns2.registrar-servers.com", cloudflare])?.key).toBe("namecheap")
})

test.each([
  [[]],
  [["ns1.example.org"]],
  [["evilname.com"]],
  [["ns.cloudflare.com.evil.test"]],
  [["ns1.xdigitalocean.com"]],
  [["not a name", ""]],
])("%p says nothing", (servers) => {
  expect(detectProvider(servers)).toBeUndefined()
})

test("what is known of a provider is shown", () => {
  expect(detectProvider(["ns1.digitalocean.com"], "example.com")).toEqual({
    key: "digitalocean",
    name: "DigitalOcean",
    confidence: "high",
    control_panel_url: "https://cloud.digitalocean.com/networking/domains/example.com",
    host_form: "at",
    apex_flattening: false,
    alias: undefined,
    auto_write: true,
  })
  expect(detectProvider(["ns1.digitalocean.com"])?.control_panel_url).toBe("https://cloud.digitalocean.com/")
  expect(detectProvider(["a.ns.cloudflare.com"])).toMatchObject({ apex_flattening: true, alias: undefined })
  expect(detectProvider(["ns1.dnsmadeeasy.com"])).toMatchObject({ apex_flattening: false, alias: "ANAME", auto_write: false })
})

test.each([
  ["at", "example.com", "@"],
  ["at", "app.example.com", "app"],
  ["at", "_customdomain-challenge.a.b.example.com", "_customdomain-challenge.a.b"],
  ["empty", "example.com", ""],
  ["empty", "app.example.com", "app"],
  ["full", "example.com", "example.com"],
  ["full", "app.example.com", "app.example.com"],
  [undefined, "example.com", "@"],
  [undefined, "app.example.com", "app"],
  // Outside the zone there is nothing to cut off.
  ["at", "app.badexample.com", "app.badexample.com"],
] as const)("a form of kind %p wants %s as %p", (form, name, field) => {
  expect(hostField(form && { host_form: form }, "example.com", name)).toBe(field)
})

test("the table names every provider that can be written to, each once, with addresses that are HTTPS", () => {
  const keys = dnsHosts.map((host) => host.key)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.length).toBeGreaterThanOrEqual(40)
  const writable = [
    "azuredns",
    "cloudflare",
    "desec",
    "digitalocean",
    "dnsimple",
    "gandi",
    "gcpdns",
    "godaddy",
    "hetzner",
    "ionos",
    "linode",
  ]
  writable.push("namecheap", "namecom", "netlify", "porkbun", "route53", "vercel", "vultr")
  expect(
    dnsHosts
      .filter((host) => host.autoWrite)
      .map((host) => host.key)
      .sort(),
  ).toEqual(writable)
  for (const host of dnsHosts) expect(new URL(host.panel ?? "").protocol, host.key).toBe("https:")
})
