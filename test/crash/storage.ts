// A program: `scripts/crash storage [N]`. Kills writers to the storage core N times (a thousand) and prints what came of it.

import { numbers } from "./numbers"
import { crashStorage, describe } from "./storage-crash"

const { kills, seed } = numbers(1000)
console.log(describe(await crashStorage({ kills, seed, say: (text) => console.error(text) })))
