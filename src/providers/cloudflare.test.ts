import { cloudflareZoneId, startCloudflareStandIn } from "../../test/lab/providers/cloudflare"
import { providerContract } from "../../test/lab/providers/contract"
import { cloudflare } from "./cloudflare"

providerContract({
  adapter: cloudflare,
  start: startCloudflareStandIn,
  credential: "token_of-the-zones-4711",
  wrongCredential: "token_of-somebody-else",
  foreignZoneId: cloudflareZoneId("foreign.test"),
  atomic: true,
})
