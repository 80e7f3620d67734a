const settings = ["IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "StrictHostKeyChecking=accept-new", "LogLevel=ERROR"]

/** What keeps `ssh`, `scp` and `sftp` to this key and these known hosts, without a question and without the machine's own settings. */
export const openSshOptions = (keyFile: string, knownHosts: string): string[] => [
  "-F",
  "none",
  "-i",
  keyFile,
  ...[...settings, `UserKnownHostsFile=${knownHosts}`].flatMap((one) => ["-o", one]),
]
