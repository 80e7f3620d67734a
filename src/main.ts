import { runCommand } from "./cli/run"

process.exit(await runCommand(process.argv.slice(2)))
