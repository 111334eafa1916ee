/** An authority that signs certificates for the servers of tests. */
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import * as Effect from "effect/Effect"
import { webcrypto } from "node:crypto"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

/** PEM texts. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

export interface TestAuthority {
  /** The certificate that clients trust. */
  readonly certificate: string
  /**
   * A new pair that is valid for the twenty years before `until`. It is for `host`, or for 127.0.0.1 and localhost by
   * default.
   */
  readonly issue: (until: string, host?: string) => Effect.Effect<Pair>
}

export const make = Effect.gen(function* () {
  x509.cryptoProvider.set(webcrypto as Crypto)
  const keys = yield* generateKeys
  const authority = yield* Effect.promise(() =>
    x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=Test authority",
      keys,
      signingAlgorithm: algorithm,
      ...validity("2040-01-01"),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    }),
  )
  const issue: TestAuthority["issue"] = Effect.fnUntraced(function* (until, host) {
    const own = yield* generateKeys
    const certificate = yield* Effect.promise(() =>
      x509.X509CertificateGenerator.create({
        subject: "CN=localhost",
        issuer: authority.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        ...validity(until),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            host === undefined ? loopback : [{ type: "dns", value: host }],
          ),
        ],
      }),
    )
    const key = yield* Effect.promise(() => webcrypto.subtle.exportKey("pkcs8", own.privateKey))
    return { certificate: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") }
  })
  return { certificate: authority.toString("pem"), issue } satisfies TestAuthority
})

const loopback: x509.JsonGeneralNames = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
]

const generateKeys = Effect.promise(() => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]))

const validity = (until: string) => {
  const notAfter = new Date(until)
  const notBefore = new Date(until)
  notBefore.setUTCFullYear(notAfter.getUTCFullYear() - 20)
  return { notBefore, notAfter }
}
