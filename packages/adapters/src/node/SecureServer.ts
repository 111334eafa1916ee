/** An HTTPS server that loads a new certificate from its files without dropping a connection. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { constants } from "node:crypto"
import type { ServerOptions } from "node:http"
import { createServer, type Server } from "node:https"
import * as Certificate from "./Certificate.ts"

/** Only ciphers with forward secrecy and authenticated encryption. */
const ciphers = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":")

/** The longest that a TLS handshake may take, in milliseconds. */
const handshakeMillis = 5_000

/** How often the files are read again. Polling works for files, symbolic links and network volumes. */
const pollInterval = Duration.seconds(10)

const expiry = Metric.gauge("tls_certificate_expiry_timestamp_seconds", {
  description: "When the served certificate expires, in seconds since 1970",
})

export const make = (certificate: Certificate.Certificate, options: ServerOptions): Server =>
  createServer({ ...options, ...contextOf(certificate), handshakeTimeout: handshakeMillis })

/**
 * Reloads the files for as long as the server runs. Open connections keep the certificate that they began with, and
 * new connections get the new certificate. While the files cannot be used, for example when only the first of them has
 * been written, the last good pair stays in use, with a warning.
 */
export const follow = Effect.fnUntraced(function* (
  server: Server,
  files: Certificate.Files,
  first: Certificate.Certificate,
) {
  let [served, warning] = [first, ""]
  yield* note(first)
  const reload = Effect.gen(function* () {
    const read = yield* Certificate.read(files)
    warning = ""
    if (read.chain === served.chain && Redacted.value(read.key) === Redacted.value(served.key)) return
    server.setSecureContext(contextOf(read))
    served = read
    yield* note(read)
    yield* Effect.logInfo("Serving a new TLS certificate").pipe(
      Effect.annotateLogs("expires_at", DateTime.formatIso(read.expiresAt)),
    )
  })
  const reloadOrWarn = Effect.catch(reload, ({ message }) => {
    if (message === warning) return Effect.void
    warning = message
    return Effect.logWarning("Still serving the previous TLS certificate").pipe(
      Effect.annotateLogs("detail", message),
    )
  })
  return yield* Effect.andThen(Effect.sleep(pollInterval), reloadOrWarn).pipe(Effect.repeat(Schedule.forever))
})

const note = ({ expiresAt }: Certificate.Certificate) =>
  Metric.update(expiry, DateTime.toEpochMillis(expiresAt) / 1_000)

/** The complete options each time, because a new context falls back to Node's defaults for absent options. */
const contextOf = ({ chain, key }: Certificate.Certificate) => ({
  cert: chain,
  key: Redacted.value(key),
  ciphers,
  honorCipherOrder: true,
  minVersion: "TLSv1.2" as const,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
})
