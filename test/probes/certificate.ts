import * as x509 from "@peculiar/x509"

/** A self-signed P-256 certificate for one name, in PEM: what the probes choose between at the handshake. */
export async function certificateFor(name: string): Promise<{ cert: string; key: string }> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64")
  return { cert: cert.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n` }
}

/** The outcome of a step within a limit: a probe says what happened rather than hang. */
export async function within<T>(what: string, promise: Promise<T>, limitMs = 3000): Promise<T | string> {
  let timer: Timer | undefined
  const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve(`${what}: nothing within ${limitMs} ms`), limitMs)))
  try {
    return await Promise.race([promise.catch((error) => `${what}: ${error?.code ?? ""} ${error?.message ?? error}`), late])
  } finally {
    clearTimeout(timer)
  }
}
