/** The certificate and the private key of an HTTPS listener, read from PEM files. */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { createSecureContext } from "node:tls"

export interface Files {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface Certificate {
  /** The server's certificate, then the intermediate certificates. */
  readonly chain: string
  readonly key: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

/** The files cannot be used. The message begins with the name of the setting, and contains nothing of the key. */
export class CertificateError extends Data.TaggedError("CertificateError")<{ readonly message: string }> {}

/** Reads a certificate and its private key. The certificate must be valid now. */
export const read = Effect.fn("Certificate.read")(function* (files: Files) {
  const fileSystem = yield* FileSystem.FileSystem
  const readFile = (setting: string, file: string) =>
    fileSystem
      .readFileString(file)
      .pipe(Effect.mapError(() => refusal(`${setting} cannot be read: expected a readable PEM file`)))
  const readBoth = Effect.all({
    chain: readFile("TLS_CERT_FILE", files.certificateFile),
    key: readFile("TLS_KEY_FILE", files.keyFile),
  })
  // Reads until two readings agree, because a single reading may find the files half changed.
  let [both, again] = [yield* readBoth, yield* readBoth]
  while (both.chain !== again.chain || both.key !== again.key) [both, again] = [again, yield* readBoth]
  const { chain, key } = both
  const certificate = yield* attempt(
    "TLS_CERT_FILE contains no certificate: expected a PEM file with the server's certificate first",
    () => new X509Certificate(chain),
  )
  const privateKey = yield* attempt(
    "TLS_KEY_FILE contains no private key: expected a PEM file without a passphrase",
    () => createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    return yield* refusal("TLS_KEY_FILE is not the key of the first certificate in TLS_CERT_FILE")
  }
  const expiresAt = DateTime.fromDateUnsafe(certificate.validToDate)
  const now = yield* DateTime.now
  if (DateTime.isGreaterThanOrEqualTo(now, expiresAt)) {
    return yield* refusal(`TLS_CERT_FILE expired at ${DateTime.formatIso(expiresAt)}: renew the certificate`)
  }
  const validFrom = DateTime.fromDateUnsafe(certificate.validFromDate)
  if (DateTime.isLessThan(now, validFrom)) {
    return yield* refusal(`TLS_CERT_FILE is not valid before ${DateTime.formatIso(validFrom)}`)
  }
  yield* attempt(
    "OpenSSL rejects TLS_CERT_FILE and TLS_KEY_FILE: is the key too short, or the chain broken?",
    () => createSecureContext({ cert: chain, key }),
  )
  return { chain, key: Redacted.make(key), expiresAt } satisfies Certificate
})

const attempt = <A>(message: string, evaluate: () => A) =>
  Effect.try({ try: evaluate, catch: () => refusal(message) })

const refusal = (message: string) => new CertificateError({ message })
