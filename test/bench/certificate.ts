import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { runCommand } from "../lab/process"

/** The zone of every hostname that is measured; the built-in CA is the issuer of names in `home.arpa`. */
export const zone = "bench.home.arpa"

/** The one certificate of all servers: P-256, self-signed, good for every name directly below the zone. */
export type SharedCertificate = { certificateFile: string; keyFile: string; bundleFile: string; certificatePem: string; keyPem: string }

/** Makes it in the folder, with a file that holds both parts, as HAProxy wants it. */
export async function makeCertificate(folder: string): Promise<SharedCertificate> {
  const at = (name: string) => join(folder, name)
  const [certificateFile, keyFile, bundleFile] = [at("certificate.pem"), at("key.pem"), at("bundle.pem")]
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile]
  const names = ["-subj", `/CN=${zone}`, "-addext", `subjectAltName=DNS:*.${zone}`]
  await runCommand(["openssl", "req", "-x509", ...key, "-out", certificateFile, "-days", "30", ...names])
  const [certificatePem, keyPem] = [await readFile(certificateFile, "utf8"), await readFile(keyFile, "utf8")]
  await Bun.write(bundleFile, certificatePem + keyPem)
  return { certificateFile, keyFile, bundleFile, certificatePem, keyPem }
}
