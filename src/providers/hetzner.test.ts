import { providerContract } from "../../test/lab/providers/contract"
import { hetznerZoneId, startHetzner } from "../../test/lab/providers/hetzner"
import { hetzner } from "./hetzner"

providerContract({
  adapter: hetzner,
  start: startHetzner,
  credential: "secret-token-of-hetzner-0123456789",
  wrongCredential: "secret-token-of-nobody-0123456789",
  atomic: true,
  foreignZoneId: String(hetznerZoneId("foreign.test")),
})
