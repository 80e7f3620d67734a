import { providerContract } from "../../test/lab/providers/contract"
import { startGandi } from "../../test/lab/providers/gandi"
import { gandi } from "./gandi"

providerContract({
  adapter: gandi,
  start: startGandi,
  credential: "secret-token-of-gandi-0123456789",
  wrongCredential: "secret-token-of-nobody-0123456789",
  atomic: true,
})
