import { providerContract } from "../../test/lab/providers/contract"
import { startDigitalOcean } from "../../test/lab/providers/digitalocean"
import { digitalocean } from "./digitalocean"

providerContract({
  adapter: digitalocean,
  start: startDigitalOcean,
  credential: "secret-token-of-digitalocean-0123456789",
  wrongCredential: "secret-token-of-nobody-0123456789",
  cannotHold: ["a text with backslashes", "a text of more than 512 octets with quotes"],
})
