import { findProgram } from "../lab/dns"
import { loopbackBlock } from "../lab/ports"
import { type Appliance, type Settings, startAppliance } from "../e2e/appliance"
import { Person } from "../e2e/person"

/** Why this machine cannot run the attacks on the binary, as a reason to skip; undefined when it can. */
export const houseObstacle = ["curl", "openssl", "setpriv"]
  .map((name) => (findProgram(name) ? undefined : `${name} is not installed`))
  .find(Boolean)

export const password = "correct horse battery"

/** The compiled binary, serving an administrator, somebody who lives there, and somebody who means harm: `mallory` has an account and no more. */
export type AttackedHouse = {
  house: Appliance
  ada: Person
  bob: Person
  mallory: Person
  stop(): Promise<void>
}

/** Starts it on loopback addresses of its own. Unlike in other tests, nothing of the house is opened to its people. */
export async function startAttackedHouse(
  options: { address?: string; settings?: Settings; trusted?: string } = {},
): Promise<AttackedHouse> {
  const address = options.address ?? (await loopbackBlock(8080, 1)).address(1)
  const house = await startAppliance({
    ...options,
    address,
    settings: { FREEHOLD_ENCRYPTION_KEY: "c".repeat(64), FREEHOLD_ALLOW_UPSTREAMS: "", ...options.settings },
  })
  try {
    const ada = await house.login()
    const [bob, mallory] = [await newPerson(ada, "bob"), await newPerson(ada, "mallory")]
    return { house, ada, bob, mallory, stop: () => house.stop() }
  } catch (error) {
    await house.stop()
    throw error
  }
}

/** A person without rights of administration, signed in. */
export async function newPerson(admin: Person, username: string): Promise<Person> {
  await admin.send("POST", "/admin/users", { username, password })
  return admin.house.login({ username, password })
}

/** An API token of a person's own with these scopes; `me` in a path stands for the person. */
export async function apiToken(person: Person, scopes: Record<string, string[]>): Promise<string> {
  const own = Object.fromEntries(Object.entries(scopes).map(([path, actions]) => [path.replace("me", person.id), actions]))
  return (await person.send<{ token: string }>("POST", "/api/tokens", { name: "t", scopes: own })).token
}

/** Somebody with the same id and another token. */
export const withToken = (person: Person, token: string): Person => new Person(person.house, token, person.id)
