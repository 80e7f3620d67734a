import { UsageError } from "./arguments"
import { listIn } from "./client"
import type { Command } from "./command"
import { printable, table } from "./output"

type Registry = { id: string; registry: string; username: string; created_at: string }

const path = "/compute/registries"
const lines = (registries: Registry[]) =>
  table(
    ["ID", "REGISTRY", "USERNAME", "CREATED"],
    registries.map((one) => [one.id, one.registry, one.username, one.created_at]),
    "no credentials are stored: images come from registries that ask for none",
  )

/** `containers registries`: what the caller logs in to private registries with. The password is never an argument, which all of the machine can read. */
export const registriesCommand: Command = {
  flags: { username: "text", "password-stdin": "switch" },
  rest: [0, 2],
  async run({ api, show, io, flags, rest: [verb = "ls", what] }) {
    if (verb === "add" && what !== undefined) {
      const username = flags.required("username")
      const prompt = flags.has("password-stdin") ? "" : `password of ${printable(username)} at ${printable(what)}: `
      const password = await io.readLine(prompt, { hidden: true })
      if (password === "") throw new UsageError("the password is empty")
      return show(await api.post<Registry>(path, { registry: what, username, password }), (one) => lines([one]))
    }
    const flag = ["username", "password-stdin"].find((name) => flags.has(name))
    if (flag !== undefined) throw new UsageError(`--${flag} goes with registries add HOST`)
    if (verb === "rm" && what !== undefined)
      return show(await api.delete(`${path}/${encodeURIComponent(what)}`), () => `${printable(what)} removed\n`)
    if (verb !== "ls" || what !== undefined) throw new UsageError("registries is followed by nothing, ls, add HOST or rm ID")
    show(await api.get<object>(path), (answer) => lines(listIn<Registry>(answer, "registries")))
  },
}
