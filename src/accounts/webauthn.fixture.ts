import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

/** How a key may answer otherwise than it should. */
export type KeyBehaviour = {
  origin?: string
  rpId?: string
  challenge?: string
  isVerified?: boolean
  userHandle?: string
  type?: string
}

const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes as string).toString("base64url")

/** A security key in software: ES256, no attestation, one credential (WebAuthn Level 3, sections 6.1 and 6.5). */
export class SoftwareKey {
  readonly id = base64url(randomBytes(32))
  counter = 0
  private privateKey: KeyObject
  private cosePublicKey: Buffer

  constructor(private origin: string) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    this.privateKey = privateKey
    const { x = "", y = "" } = publicKey.export({ format: "jwk" })
    const coordinate = (label: number, value: string) => [Buffer.from([label, 0x58, 32]), Buffer.from(value, "base64url")]
    // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01])
    this.cosePublicKey = Buffer.concat([head, ...coordinate(0x21, x), ...coordinate(0x22, y)])
  }

  /** What `navigator.credentials.create` gives for these options, as JSON. */
  create(options: { challenge: string; rp: { id?: string } }, behaviour: KeyBehaviour = {}) {
    const id = Buffer.from(this.id, "base64url")
    const length = Buffer.from([0, id.length])
    const credential = Buffer.concat([Buffer.alloc(16), length, id, this.cosePublicKey])
    const data = Buffer.concat([this.head(options.rp.id ?? "", 0x40, behaviour), credential])
    const text = (value: string) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)])
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      text("fmt"),
      text("none"),
      text("attStmt"),
      Buffer.from([0xa0]),
      text("authData"),
      Buffer.from([0x58, data.length]),
      data,
    ])
    const clientDataJSON = this.clientData("webauthn.create", options.challenge, behaviour)
    return this.credential({ clientDataJSON, attestationObject: base64url(attestation), transports: ["usb", "carrier-pigeon"] })
  }

  /** What `navigator.credentials.get` gives, as JSON. The signature counter goes up by one. */
  get(options: { challenge: string; rpId?: string }, behaviour: KeyBehaviour = {}) {
    this.counter++
    const data = this.head(options.rpId ?? "", 0, behaviour)
    const clientDataJSON = this.clientData("webauthn.get", options.challenge, behaviour)
    const hash = createHash("sha256").update(Buffer.from(clientDataJSON, "base64url")).digest()
    const signature = sign("sha256", Buffer.concat([data, hash]), this.privateKey)
    const { userHandle } = behaviour
    const handle = userHandle === undefined ? {} : { userHandle: base64url(userHandle) }
    return this.credential({ clientDataJSON, authenticatorData: base64url(data), signature: base64url(signature), ...handle })
  }

  private credential<R>(response: R) {
    return { id: this.id, rawId: this.id, type: "public-key", response, clientExtensionResults: {} }
  }

  private head(rpId: string, flags: number, behaviour: KeyBehaviour): Buffer {
    const hash = createHash("sha256")
      .update(behaviour.rpId ?? rpId)
      .digest()
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(this.counter)
    return Buffer.concat([hash, Buffer.from([flags | 0x01 | (behaviour.isVerified ? 0x04 : 0)]), counter])
  }

  private clientData(type: string, challenge: string, behaviour: KeyBehaviour): string {
    const { origin = this.origin } = behaviour
    return base64url(
      JSON.stringify({ type: behaviour.type ?? type, challenge: behaviour.challenge ?? challenge, origin, crossOrigin: false }),
    )
  }
}
