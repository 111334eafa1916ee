/** A server that speaks TLS, and takes a new certificate from its files without dropping a connection. */
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

/** Forward secrecy and authenticated encryption alone. */
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

/** After this long without having agreed on keys a caller is cut off, in milliseconds. */
const handshakeMillis = 5_000

/** The files are read anew this often: that works for files, links to them and network volumes alike. */
const lookInterval = Duration.seconds(10)

const expiry = Metric.gauge("tls_certificate_expiry_timestamp_seconds", {
  description: "When the certificate that is served expires, in seconds since 1970",
})

export const make = (certificate: Certificate.Certificate, options: ServerOptions): Server =>
  createServer({ ...options, ...contextOf(certificate), handshakeTimeout: handshakeMillis })

/**
 * Follows the files for ever. Connections that are open keep the certificate that they began with, new ones get the
 * new one. While the files cannot be used, such as between the writing of one and of the other, the last good pair
 * stays, with a warning.
 */
export const follow = Effect.fnUntraced(function* (
  server: Server,
  files: Certificate.Files,
  first: Certificate.Certificate,
) {
  let [served, warning] = [first, ""]
  yield* note(first)
  const look = Effect.gen(function* () {
    const read = yield* Certificate.read(files)
    warning = ""
    if (read.chain === served.chain && Redacted.value(read.key) === Redacted.value(served.key)) return
    server.setSecureContext(contextOf(read))
    served = read
    yield* note(read)
    yield* Effect.logInfo("Serves a new TLS certificate").pipe(
      Effect.annotateLogs("expiresAt", DateTime.formatIso(read.expiresAt)),
    )
  })
  const lookAndWarn = Effect.catch(look, ({ message }) => {
    if (message === warning) return Effect.void
    warning = message
    return Effect.logWarning("The TLS certificate stays the one before").pipe(
      Effect.annotateLogs("detail", message),
    )
  })
  return yield* Effect.andThen(Effect.sleep(lookInterval), lookAndWarn).pipe(Effect.repeat(Schedule.forever))
})

const note = ({ expiresAt }: Certificate.Certificate) =>
  Metric.update(expiry, DateTime.toEpochMillis(expiresAt) / 1_000)

/** All of it each time: what a new context does not name falls back to Node's own defaults. */
const contextOf = ({ chain, key }: Certificate.Certificate) => ({
  cert: chain,
  key: Redacted.value(key),
  ciphers,
  honorCipherOrder: true,
  minVersion: "TLSv1.2" as const,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
})
