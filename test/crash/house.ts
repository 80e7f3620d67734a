// A program: `scripts/crash house [N]`. Kills the whole appliance N times (500) at random moments of its work and prints what came of it.

import { crashHouse, describeHouse } from "./house-crash"
import { numbers } from "./numbers"

const { kills, seed } = numbers(500)
console.log(describeHouse(await crashHouse({ kills, seed, say: (text) => console.error(text) })))
