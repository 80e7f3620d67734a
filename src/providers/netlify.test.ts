import { providerContract } from "../../test/lab/providers/contract"
import { netlifyZoneId, startNetlify } from "../../test/lab/providers/netlify"
import { netlify } from "./netlify"

providerContract({
  adapter: netlify,
  start: startNetlify,
  credential: "secret-token-of-netlify-0123456789",
  wrongCredential: "secret-token-of-nobody-0123456789",
  foreignZoneId: netlifyZoneId("foreign.test"),
})
