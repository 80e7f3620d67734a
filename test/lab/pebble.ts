import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { findProgram } from "./dns"
import { freePort } from "./ports"
import { type LabProcess, runCommand, startProcess, temporaryFolder } from "./process"

export type PebbleOptions = {
  /** `ip:port` of the resolver that Pebble asks for the names it validates. */
  dns: string
  /** Where Pebble looks for HTTP-01 and TLS-ALPN-01 answers: the ports of the product under test. */
  httpPort: number
  tlsPort: number
  /** Demands this external account binding; the key is base64url, of 32 bytes or more. */
  eab?: { kid: string; hmac: string }
  /** How many good nonces of a hundred are refused; Pebble's own default is 5, the lab's is 0. */
  nonceRejectPercent?: number
  /** How many orders of a hundred reuse a valid authorization; Pebble's own default is 50. */
  authorizationReusePercent?: number
  /** Life of the certificates; Pebble's own default is five years. */
  certificateSeconds?: number
}

/** A real ACME server, served under a certificate of a CA made for this run. */
export interface PebbleLab {
  readonly directory: string
  /** PEM file of the CA that signs the directory's own certificate, for `FREEHOLD_ACME_CA_FILE`. */
  readonly caFile: string
  /** The PEM files of the directory's own certificate, good for 127.0.0.1 and localhost, for what stands in front of it. */
  readonly server: { certificate: string; privateKey: string }
  /** PEM of the root that issues certificates; another one after each `restart`. */
  rootCertificate(): Promise<string>
  output(): string
  stop(): Promise<void>
  /** Same address and CA file, but Pebble forgets everything: accounts, orders, certificates, its issuing root. */
  restart(): Promise<void>
}

/** Why this machine cannot run it, as a reason to skip; undefined when it can. */
export function pebbleObstacle(): string | undefined {
  return ["pebble", "openssl", "setpriv"].map((name) => (findProgram(name) ? undefined : `${name} is not installed`)).find(Boolean)
}

export async function startPebble(options: PebbleOptions): Promise<PebbleLab> {
  const folder = await temporaryFolder("pebble")
  try {
    const { caFile, certificate, privateKey } = await makeServerCertificate(folder.path)
    const ca = await readFile(caFile, "utf8")
    const [port, managementPort] = [await freePort(), await freePort()]
    const configFile = join(folder.path, "pebble.json")
    await writeFile(configFile, JSON.stringify(configuration(options, { port, managementPort, certificate, privateKey })))
    const directory = `https://127.0.0.1:${port}/dir`
    const start = () =>
      startProcess({
        name: "pebble",
        command: ["pebble", "-config", configFile, "-dnsserver", options.dns, "-strict"],
        environment: {
          PEBBLE_VA_NOSLEEP: "1",
          PEBBLE_WFE_NONCEREJECT: String(options.nonceRejectPercent ?? 0),
          ...(options.authorizationReusePercent === undefined ? {} : { PEBBLE_AUTHZREUSE: String(options.authorizationReusePercent) }),
        },
        ready: async () => (await fetch(directory, { tls: { ca }, signal: AbortSignal.timeout(2_000) })).ok,
      })
    let running: LabProcess = await start()
    return {
      directory,
      caFile,
      server: { certificate, privateKey },
      rootCertificate: async () => {
        const res = await fetch(`https://127.0.0.1:${managementPort}/roots/0`, { tls: { ca }, signal: AbortSignal.timeout(5_000) })
        if (!res.ok) throw new Error(`Pebble's management interface answered ${res.status}`)
        return res.text()
      },
      output: () => running.output(),
      stop: async () => {
        await running.stop()
        await folder.remove()
      },
      restart: async () => {
        await running.stop()
        running = await start()
      },
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

type Endpoint = { port: number; managementPort: number; certificate: string; privateKey: string }

function configuration(options: PebbleOptions, endpoint: Endpoint): object {
  return {
    pebble: {
      listenAddress: `127.0.0.1:${endpoint.port}`,
      managementListenAddress: `127.0.0.1:${endpoint.managementPort}`,
      certificate: endpoint.certificate,
      privateKey: endpoint.privateKey,
      httpPort: options.httpPort,
      tlsPort: options.tlsPort,
      ocspResponderURL: "",
      externalAccountBindingRequired: options.eab !== undefined,
      ...(options.eab ? { externalAccountMACKeys: { [options.eab.kid]: options.eab.hmac } } : {}),
      ...(options.certificateSeconds === undefined ? {} : { certificateValidityPeriod: options.certificateSeconds }),
    },
  }
}

/** A CA and a certificate for 127.0.0.1 and localhost, both of this run alone. */
async function makeServerCertificate(folder: string): Promise<{ caFile: string; certificate: string; privateKey: string }> {
  const at = (name: string) => join(folder, name)
  const [caFile, certificate, privateKey] = [at("ca.pem"), at("directory.pem"), at("directory.key")]
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
  await writeFile(
    at("leaf.ext"),
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
  )
  const openssl = (...args: string[]) => runCommand(["openssl", ...args])
  const caExtensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    at("ca.key"),
    "-out",
    caFile,
    "-days",
    "2",
    "-subj",
    "/CN=Freehold lab CA",
    ...caExtensions,
  )
  await openssl("req", "-new", ...newKey, "-keyout", privateKey, "-out", at("directory.csr"), "-subj", "/CN=Freehold lab directory")
  const signer = ["-CA", caFile, "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("leaf.ext")]
  await openssl("x509", "-req", "-in", at("directory.csr"), "-out", certificate, ...signer)
  return { caFile, certificate, privateKey }
}
