import { settings } from "../settings"
import type { CommandIo } from "./io"

/** One verb of the binary as help and completion show it. */
export type Verb = {
  name: string
  /** One line for the list of verbs. */
  summary: string
  /** Usage by command, each without the leading `freehold`; a verb without commands has the one key "". */
  usage: Record<string, string>
  details?: string
}

const common = `--json prints the API's own answer. The server is --server, else FREEHOLD_SERVER, else the one of the last login; the token is
--token, else FREEHOLD_TOKEN, else that of the last login. Exit code 0 when it went well, 1 when it did not, 2 for a bad command line.`

function settingLines(): string {
  const lines = Object.entries(settings).map(
    ([key, { meaning, reloads }]) => [`${reloads ? "*" : " "} FREEHOLD_${key.toUpperCase()}`, meaning] as const,
  )
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines.map(([name, meaning]) => `${name.padEnd(width)}  ${meaning}`).join("\n")
}

/** Every verb, in the order in which help lists them. */
export const verbs: readonly Verb[] = [
  {
    name: "serve",
    summary: "run the appliance: API, dashboard, DNS, certificates and the edge",
    usage: { "": "serve [--config FILE] [--SETTING VALUE]..." },
    details: `Every setting is a flag, a FREEHOLD_* variable or a key of the configuration file (/etc/freehold/freehold.toml unless --config names
another), in this order: --data-dir, FREEHOLD_DATA_DIR and data_dir are one setting. What is unknown or badly formed stops the start.
The first start makes the data folder and the secrets that are missing, and prints a one-time link to set up the first person.
A secret may also stand in a file: FREEHOLD_JWT_SECRET_FILE, or a systemd credential named freehold.jwt_secret.
SIGTERM and SIGINT end it: requests under way are waited for, for at most the drain limit, and a second signal ends it at once.
SIGHUP reads the files again. What changed of the settings marked * holds from then on and no connection is touched; the others wait for
the next start, which the log says by name. A file with a fault changes nothing.

Settings, and what holds without them:
${settingLines()}`,
  },
  {
    name: "demo",
    summary: "see a hostname go from pending to HTTPS, with everything built in",
    usage: { "": "demo [--once]" },
    details: `Runs a whole appliance on unprivileged ports with a data folder that it removes at the end: it maps a name, is refused a certificate,
publishes the TXT record, verifies, and fetches the page over HTTPS. It stays up until it is interrupted.
  --once   exit when the story is told: 0 when all of it went well, else 1`,
  },
  {
    name: "doctor",
    summary: "all that can be wrong with this server or a hostname, each with what to do",
    usage: {
      "": "doctor [HOSTNAME] [--identity-file FILE | --passphrase-file FILE] [--test-alert] [--config FILE] [--SETTING VALUE]... [--json]",
    },
    details: `Run on the machine where Freehold runs, as root or as its user. While it runs it is asked at local.sock in the data folder; while it does not,
its ports, its machine and its data folder are looked at, and nothing is changed there. A HOSTNAME is looked at from outside in: DNS, CAA, its
certificate, and what its visitors meet. Exit code 0 when all is well, 1 for a warning, 2 for what is broken; “?” could not be found out and does not count.
  --identity-file     a secret key of age, to restore the newest backup for a trial; nothing is left behind
  --passphrase-file   the same with a passphrase, the first line of this file
  --test-alert        tell every receiver of alerts that this is a test, and say how it went`,
  },
  {
    name: "install",
    summary: "this binary as a service of systemd, or in place of an older one, or back again",
    usage: {
      "": "install [--SETTING VALUE]... [--backup-recipient age1...]... [--containers] [--root FOLDER] [--dry-run] | install --rollback [--restore-store] [--dry-run]",
    },
    details: `Needs root, and Freehold itself never has it: it runs as the user freehold, with the one right to open ports below 1024. Every step is
said with what takes it back; what is there already is left alone, so that a second run changes nothing. A newer binary is installed the same
way: the version before is kept beside it, and the store is copied before the newer one upgrades it.
  --SETTING VALUE      a line of /etc/freehold/freehold.toml, where that is not there yet: --base-domain cloud.example.com
  --backup-recipient   a public key of age, for which the daily backup to /var/backups/freehold is encrypted; may be given several times
  --containers         let Freehold use Podman's socket, which makes it as good as root
  --rollback           the version before in place of this one
  --restore-store      with it, where the newer version has upgraded the store: the copy from before
  --root FOLDER        prepare the image of a machine; nothing is started
  --dry-run            say what would be done
  --packaged           for the maintainer scripts of the Debian package, which brings program, units and configuration itself`,
  },
  {
    name: "uninstall",
    summary: "stop it and take away what install made; the data stays",
    usage: { "": "uninstall [--purge [--yes]] [--root FOLDER] [--dry-run]" },
    details: `The data folder, the configuration, secrets in /etc/credstore, the user and the backups stay, and a later install goes on with them.
  --purge   delete them too, but for the backups; asks for a typed word, unless --yes is given
Containers that Freehold made stay in their engine.`,
  },
  {
    name: "backup",
    summary: "one encrypted file with the store, keys, certificates and accounts",
    usage: {
      "": "backup [FILE|FOLDER|s3://BUCKET/PREFIX] [--recipient age1...]... [--passphrase-file FILE] [--unattended] [--objects beside|inside|none] [--volumes] [--keep N] [--config FILE] [--SETTING VALUE]... [--json]",
    },
    details: `Taken while Freehold serves, on the machine where it runs and as its user. The file is in the age format: "age -d" and tar open it too.
In a folder or bucket the file is named after the moment. Without a word the backup goes where the setting backup_to says, as the other settings
backup_* say; Freehold does that by itself while it serves, each day unless backup_every says otherwise. The data folder is found as "serve"
finds it: by --data-dir, FREEHOLD_DATA_DIR or the configuration. One backup at a time is made of it.
  --recipient          a public key of age ("age-keygen" makes a pair), so that this machine cannot read its own backups; may be given several times
  --passphrase-file    the first line of this file; without either it is what the settings say, else a passphrase is asked for
  --unattended         asks nothing: the key is the setting backup_recipient or backup_passphrase, which may be a file /etc/credstore/freehold.NAME
  --objects beside     the bytes of stored files lie beside the backups, each encrypted by itself and only once; the usual way in a folder or bucket
  --objects inside     they are in the file, each time
  --objects none       they are not kept: copy the folder storage/objects by itself, in which nothing ever changes; the usual way with a single file
  --volumes            with what containers keep, as it lies on disk at that moment
  --keep N             of a folder or bucket: the N newest backups stay, older ones go, and stored files that none of those needs`,
  },
  {
    name: "restore",
    summary: "a data folder out of a backup, or the proof that it could be made",
    usage: {
      "": "restore [FILE|FOLDER|s3://BUCKET/PREFIX] [--list] [--check [--thorough]] [--skip-missing] [--identity-file FILE] [--passphrase-file FILE] [--config FILE] [--SETTING VALUE]... [--json]",
    },
    details: `The data folder must be missing or empty. No certificate is ordered anew: those of the backup are served at the next start.
Of a folder or bucket the newest backup is taken; without a word it is the one of the setting backup_to. Stored files that lie beside the backup
are fetched, and each is compared with its hash; what came before something broke off is used when the same command runs again.
  --list            show the backups that are there
  --check           decrypt and unpack all of it, check the store, open something sealed with the keys that came along, look whether every stored
                    file is there and read twenty of them by chance, and leave nothing behind
  --thorough        with --check: read every stored file
  --skip-missing    restore although stored files are missing or damaged there
  --identity-file   the secret key of age, as "age-keygen" wrote it`,
  },
  {
    name: "backups",
    summary: "when backups were made and are due, and what lies at their destination, for administrators",
    usage: { ls: "backups [ls] [--json]", run: "backups run [--wait] [--timeout 1h] [--json]" },
    details: `Asks the server, which makes backups by itself where the setting backup_to names a destination. run makes one now; with --wait it returns
when that has ended, and exits with 1 where it went wrong. "freehold backup" does the same on the server's machine without asking it.`,
  },
  {
    name: "login",
    summary: "log in to a server and keep the session for the other verbs",
    usage: { "": "login [--server URL] [--username NAME] [--password-stdin] [--json]" },
    details: `Asks for what is not given. The session is kept in config.json in your configuration folder, readable by you alone.
  --server URL       default FREEHOLD_SERVER, else the last one, else http://127.0.0.1:8080
  --password-stdin   read the password from standard input; needs --username
  --json             print who is logged in, without the token
An account with a second factor is asked for a code of its authenticator app or a recovery code (on the next line of standard input under
--password-stdin), or for its security key, on a page that a browser opens. The page tells this command by itself when it is done, or shows
what to paste here, as it does when you are logged in by SSH.`,
  },
  {
    name: "domains",
    summary: "the zones whose DNS the server may edit for you",
    usage: {
      ls: "domains ls [--json]",
      add: "domains add [TOKEN] [--token-stdin] [--json]",
      rm: "domains rm ID [--json]",
      refresh: "domains refresh ID [--json]",
      records: "domains records ID|ZONE [--check] [--cursor CURSOR] [--json]",
    },
    details: `add connects a Cloudflare API token, which needs Zone Read and DNS Edit. It is asked for, or read from standard input with --token-stdin;
as an argument it is seen by every user of this machine. refresh reads anew which zones the token can edit. records shows what the server
wrote in them and what for, newest first; --check first asks the zones' own servers whether it still stands.`,
  },
  {
    name: "mappings",
    summary: "hostnames and the container ports behind them",
    usage: {
      ls: "mappings ls [--json]",
      add: "mappings add HOST --container ID --port N [--http redirect|serve] [--upstream-protocol http1|h2c] [--no-access-log] [--wait] [--timeout 10m] [--json]",
      update: "mappings update ID|HOST [--http redirect|serve] [--upstream-protocol http1|h2c] [--access-log|--no-access-log] [--json]",
      rm: "mappings rm ID|HOST [--json]",
      verify: "mappings verify ID|HOST [--wait] [--timeout 10m] [--json]",
      watch: "mappings watch ID|HOST [--json]",
    },
    details: `add prints the TXT record that proves a name. verify looks for it now and says what each name server answered; with --wait it looks
again until the name is verified. It exits with 1 while the name is not verified.
  --http serve              answer plain HTTP too, for devices that cannot do TLS; otherwise it is redirected to HTTPS
  --upstream-protocol h2c   the application speaks HTTP/2 in clear, as gRPC servers do; otherwise HTTP/1.1
  --no-access-log           requests of this hostname stay out of the access log
update changes these three later, from the next request on. watch prints the requests of a hostname as they end, until it is interrupted; values
of queries are left out, and with --json each request is an object on a line of its own.`,
  },
  {
    name: "containers",
    summary: "the applications that hostnames lead to",
    usage: {
      ls: "containers ls [--json]",
      create:
        "containers create --name NAME --image IMAGE [--memory 512m] [--storage 5g] [--instance-type TYPE] [--pids N] [--env NAME=VALUE]... [--restart no|on-failure|always] [--mount PATH]... [--no-mounts] [--ingress PORT[=CONTAINER_PORT]]... [--ssh] [--pull-policy Always|IfNotPresent] [--wait] [--timeout 5m] [--json] [-- COMMAND...] | --name NAME --address IP [--port-map 80=32400]...",
      get: "containers get ID [--json]",
      rm: "containers rm ID [--json]",
      start: "containers start ID [--wait] [--timeout 5m] [--json]",
      exec: "containers exec [-i|--interactive] [-t|--tty] [--user NAME] ID [-- COMMAND...]",
      stop: "containers stop ID [--json]",
      rebuild:
        "containers rebuild ID [--image IMAGE] [--memory 512m] [--storage 5g] [--instance-type TYPE] [--pids N] [--env NAME=VALUE]... [--restart no|on-failure|always] [--pull-policy Always|IfNotPresent] [--wait] [--timeout 5m] [--json] [-- COMMAND...]",
      logs: "containers logs ID [-f|--follow] [--tail N] [--since TIME]",
      stats: "containers stats ID [--json]",
      mounts: "containers mounts ID [PATH...] [--json]",
      volumes: "containers volumes ID | volumes rm ID VOLUME [--json]",
      ingress: "containers ingress ID | ingress add ID PORT[=CONTAINER_PORT] | ingress rm ID PORT [--json]",
      images: "containers images [--json]",
      adopt: "containers adopt [ENGINE_ID|NAME [--name NAME]] [--json]",
      release: "containers release ID [--delete-mappings] [--json]",
      registries: "containers registries | registries add HOST --username NAME [--password-stdin] | registries rm ID [--json]",
      "instance-types": "containers instance-types | instance-types put NAME --cpus N [--pids N] | instance-types rm NAME [--json]",
      ssh: "containers ssh ID [on|off] [--json]",
    },
    details: `create runs an image in the server's container engine, or, with --address, registers an application that runs elsewhere (administrators
only). --port-map says which real port stands behind a container port. --wait returns when the container runs, or has failed. What follows --
is run instead of the image's own command.
  --mount PATH   its contents survive stop, start and rebuild; /root unless told otherwise, --no-mounts for none
  --storage      a container that keeps more on disk, beside its image, is ended; looked at each minute
  --ingress      opens a port, 80, 443 or 8000-8999, at ID.compute.BASE; the same as "containers ingress add" later
rebuild makes the container anew from its image, with what the flags change; --env replaces all variables. mounts shows the mount paths, or
sets them all. A volume stays when its path is no longer mounted, until "volumes rm". rm removes the container with everything it kept.
adopt lists the engine's containers that Freehold did not make, or takes one as it is (administrators only). release gives an adopted one back:
it goes on as it is, and Freehold forgets it. Hostnames that lead to it are in the way, unless --delete-mappings takes them along.
registries are what your images are fetched with where a registry asks; the password is asked for, or read from standard input with
--password-stdin. instance-types are the sizes there are; put and rm are for administrators.
exec runs a command in a container and exits with its code; without a command, a shell, as root unless --user says another. -i passes standard
input on, -t gives it a terminal: containers exec -it ID`,
  },
  {
    name: "ssh-keys",
    summary: "the keys with which you log in to your containers",
    usage: {
      ls: "ssh-keys ls [--json]",
      add: "ssh-keys add FILE [--name NAME] [--json]",
      rm: "ssh-keys rm ID [--json]",
    },
    details: `add takes the file of a public key, such as ~/.ssh/id_ed25519.pub, or - for standard input; its comment becomes the name unless --name
says another. A key opens those of your containers for which SSH is switched on: ssh -p 2222 CONTAINER-ID@HOST, or USER.CONTAINER-ID@HOST for
another user than the image's; "freehold containers ssh ID on" switches it on. A key that is removed ends the logins that it made, within seconds.`,
  },
  {
    name: "storage",
    summary: "namespaces and files, links to files, and keys for S3 clients",
    usage: {
      ls: "storage ls [NAMESPACE[/PREFIX]] [--json]",
      create: "storage create NAME [--public] [--quota SIZE] [--json]",
      set: "storage set NAME [--visibility private|public] [--quota SIZE|none] [--json]",
      put: "storage put FILE NAMESPACE[/NAME] [--overwrite] [--json]",
      get: "storage get NAMESPACE/NAME [FILE|FOLDER|-] [--json]",
      mv: "storage mv NAMESPACE/NAME NAMESPACE[/NAME] [--overwrite] [--json]",
      rm: "storage rm NAMESPACE/NAME | rm NAMESPACE [--yes] [--json]",
      link: "storage link NAMESPACE/NAME [--expires 1h] [--inline] [--json]",
      usage: "storage usage [--json]",
      keys: "storage keys [ls] | keys add NAME | keys rm ID [--json]",
    },
    details: `A namespace is private, or public: then everybody who knows a file's name can read it. Names are those of the whole server.
put keeps a file that is there unless --overwrite says otherwise. get writes beside the file until it is whole, and the same command goes on with
what broke off; - is standard output. rm of a namespace names what goes with it and asks for its name, unless --yes is given.
mv renames and moves, on the server: a NAME that ends with a slash is a folder, and into a target that ends with a slash, or is a namespace alone,
the last part of the name goes along. What is in the way stays unless --overwrite is given, and then nothing is moved.
link makes an address that works without a login until it ends, after seven days at most; --inline shows the file instead of saving it.
SIZE is a number and K, M, G or T, in units of 1024. keys are for S3 clients such as rclone and restic, at https://s3.<base domain>; a namespace
is a bucket there, and the secret key is shown once.`,
  },
  {
    name: "tokens",
    summary: "your API tokens",
    usage: {
      ls: "tokens ls [--json]",
      create: "tokens create --name NAME --scope KEY=ACTION,ACTION... [--expires-in 30d|90d|365d|never] [--json]",
      rm: "tokens rm ID [--json]",
      check: "tokens check ID [--json]",
    },
    details: `--scope may be given several times; "me" stands for your user id: --scope networking.me.domains=read,create.
check needs no login and exits with 1 when the token is unknown, revoked or expired.`,
  },
  {
    name: "service-accounts",
    summary: "accounts for machines, their scopes and tokens",
    usage: {
      ls: "service-accounts ls [--json]",
      create: "service-accounts create --name NAME --scope KEY=ACTION,ACTION... [--json]",
      rm: "service-accounts rm ID [--json]",
      scopes: "service-accounts scopes ID [--scope KEY=ACTION,ACTION]... [--json]",
      token: "service-accounts token create ID --name NAME [--expires-in 30d] | token ls ID | token rm TOKEN_ID [--json]",
    },
    details: `A token of a service account may do what the account's scopes say at that moment. --scope may be given several times; "me" stands for
your user id: --scope networking.me.domains=read,create,delete. scopes shows them, or with --scope replaces them all.`,
  },
  {
    name: "applications",
    summary: "products whose customers bring their own domains: keys and DNS credentials",
    usage: {
      ls: "applications ls [--json]",
      create:
        "applications create --name NAME [--environment test|live] [--origin URL | --container ID --port N] [--embed ORIGIN]... [--json]",
      update: "applications update ID [--name NAME] [--origin URL | --container ID --port N] [--embed ORIGIN]... [--json]",
      rm: "applications rm ID [--json]",
      keys: "applications keys ID [--json]",
      "create-key": "applications create-key ID --name NAME [--scope SCOPE[,SCOPE]]... [--json]",
      "revoke-key": "applications revoke-key ID KEY [--json]",
      credentials: "applications credentials ID [--json]",
      "add-credential": "applications add-credential ID --provider KEY [--token-stdin] [--json]",
      "rm-credential": "applications rm-credential ID CREDENTIAL [--json]",
    },
    details: `An application says where its customers' hostnames lead: to an origin such as https://origin.acme.example, or to a port of a container.
create-key prints the secret this once. Scopes: connections:read, connections:write, apps:admin, webhooks:write, usage:read.
add-credential asks for the credential, or reads it from standard input with --token-stdin; freehold writes customers' records with it.
  --embed ORIGIN   an origin whose pages may show the widget`,
  },
  {
    name: "connections",
    summary: "customers' hostnames on their way to being live",
    usage: {
      ls: "connections ls [--state STATE] [--hostname HOST] [--json]",
      add: "connections add HOST --application ID [--origin URL] [--wait] [--timeout 10m] [--json]",
      get: "connections get ID|HOST [--json]",
      verify: "connections verify ID|HOST [--json]",
      check: "connections check ID|HOST [--wait] [--timeout 10m] [--json]",
      apply: "connections apply ID|HOST [--json]",
      timeline: "connections timeline ID|HOST",
      rm: "connections rm ID|HOST [--json]",
      watch: "connections watch ID|HOST [--json]",
    },
    details: `add prints the records that the customer publishes. check looks at everything now, moves the connection on and says what each record is
waiting for; it exits with 1 while the hostname is not live. apply writes the records by the application's DNS credential. timeline prints all
that happened to the hostname. watch prints its requests as they end, until it is interrupted. rm archives it: the name is free again and its DNS records stay.`,
  },
  {
    name: "certificates",
    summary: "what the limits of certificate authorities leave, for administrators",
    usage: { limits: "certificates limits [--limit N] [--json]" },
    details: `limits shows every rate limit that is touched: how much of it is left, when there is one more, and until when an authority has asked to
be left alone. The figures are this server's own books; no authority is asked. What would break a limit is not ordered, and waits by itself.`,
  },
  {
    name: "people",
    summary: "who may use the server, for administrators",
    usage: {
      list: "people list [--json]",
      create: "people create USERNAME [--display-name NAME] [--admin] [--password-stdin] [--json]",
      disable: "people disable ID|USERNAME [--json]",
      enable: "people enable ID|USERNAME [--json]",
      role: "people role ID|USERNAME admin|user [--json]",
      delete: "people delete ID|USERNAME [--preview] [--yes] [--confirm DIGEST|USERNAME] [--json]",
      reset: "people reset ID|USERNAME [--json]",
      sessions: "people sessions [ID|USERNAME] [--limit N] [--cursor PLACE] [--json]",
      "end-session": "people end-session ID [--json]",
    },
    details: `create without --password-stdin prints a link at which the person chooses a password; reset prints one for somebody who lost theirs.
A link works once and for 24 hours. disable ends every session and stops every API token at once; enable brings the tokens back.
delete takes along what the person owns: it shows what that is and asks for the username. --preview only shows it, --yes does not ask, and
--confirm deletes only if that is still what the digest of a preview stands for. The last enabled administrator stays one.
sessions lists who is signed in where, the newest first; end-session ends one of them, and its WebSockets within seconds.`,
  },
  {
    name: "audit",
    summary: "who did what to what, from where, and whether they were allowed to",
    usage: {
      ls: "audit [ls] [--person ID|USERNAME] [--action TEXT] [--target ID] [--outcome allowed|denied|failed] [--since TIME] [--until TIME] [--limit N] [--cursor PLACE] [--json]",
      export:
        "audit export [--person ID|USERNAME] [--action TEXT] [--target ID] [--outcome allowed|denied|failed] [--since TIME] [--until TIME]",
    },
    details: `You see what you did; an administrator sees what everybody did. --action is how an action begins, such as DELETE or "POST /api/domains".
A time is a day of UTC or a time with its zone: 2026-11-21, 2026-11-21T10:00:00Z. export prints every entry as a line of JSON.`,
  },
  {
    name: "completion",
    summary: "a completion script for a shell",
    usage: { "": "completion bash|zsh|fish" },
    details: `bash: source <(freehold completion bash)
zsh:  source <(freehold completion zsh), after compinit
fish: freehold completion fish | source`,
  },
  { name: "version", summary: "the version of this binary", usage: { "": "version [--json]" } },
  { name: "help", summary: "this list, or how to use one verb", usage: { "": "help [VERB]" } },
]

/** Prints the list of verbs, or the text of one. */
export async function run(args: string[], io: CommandIo): Promise<number> {
  const [name, extra] = args.filter((arg) => arg !== "--help" && arg !== "-h")
  if (name === undefined) {
    io.out(overview())
    return 0
  }
  const fault = extra === undefined ? undefined : `"${extra}" is one argument too many`
  const unknown = name.startsWith("-") ? `unknown flag ${name}` : `unknown verb "${name}"`
  if (fault !== undefined || !verbs.some((verb) => verb.name === name)) {
    io.err(`error: ${fault ?? unknown}\n${usageLines("help")}`)
    return 2
  }
  io.out(helpText(name))
  return 0
}

/** The first page: every verb with its line. */
export function overview(): string {
  const width = Math.max(...verbs.map(({ name }) => name.length))
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`)
  return `usage: freehold VERB [ARGUMENTS]\n\n${lines.join("")}\n"freehold help VERB" tells how to use one.\n`
}

/** The whole text of one verb; throws for a name that is none. */
export function helpText(name: string): string {
  const verb = verbs.find((candidate) => candidate.name === name)
  if (verb === undefined) throw new Error(`no help for ${name}`)
  const forApi = !("" in verb.usage)
  const parts = [`${verb.name}: ${verb.summary}\n`, usageLines(name), verb.details ? `${verb.details}\n` : "", forApi ? `${common}\n` : ""]
  return parts.filter(Boolean).join("\n")
}

/** `usage:` lines of one command of a verb, or of all of them. */
export function usageLines(name: string, command?: string): string {
  const usage = verbs.find((verb) => verb.name === name)?.usage ?? {}
  const one = command === undefined ? undefined : usage[command]
  return (one === undefined ? Object.values(usage) : [one]).map((line) => `usage: freehold ${line}\n`).join("")
}
