import { providerContract } from "../../test/lab/providers/contract"
import { startDesec } from "../../test/lab/providers/desec"
import { desec } from "./desec"

providerContract({
  adapter: desec,
  start: startDesec,
  credential: "mu4W4MHuSc0HyrGD1h-dnKuZBond",
  wrongCredential: "nobodys-token-at-all",
  atomic: true,
})
