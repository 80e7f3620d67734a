import { providerContract } from "../../test/lab/providers/contract"
import { startVercel } from "../../test/lab/providers/vercel"
import { vercel } from "./vercel"

providerContract({
  adapter: vercel,
  start: startVercel,
  credential: "secret-token-of-vercel-0123456789",
  wrongCredential: "secret-token-of-nobody-0123456789",
})
