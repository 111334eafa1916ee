/** Settings of the addresses on which the API listens, and of its TLS. */
import * as Effect from "effect/Effect"
import * as Certificate from "../node/Certificate.ts"
import { isLoopback } from "../postgres/Loopback.ts"
import { type Program, setting } from "./Setting.ts"
import { expectedPemFile, Host, Networks, Port, Switch, Text } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const expectedProxies =
  "none, or addresses such as 10.0.0.7 and networks such as 10.0.0.0/8, no wider than /8 or an IPv6 /7, separated by commas"
const port = "a port number, or 0 for any free port"

export const declarations = {
  HTTP_HOST: setting({
    schema: Host,
    expected: "an IP address or host name of this machine, without a port",
    meaning: "address on which the API and the management server listen",
    fallback: "127.0.0.1",
  }),
  HTTP_PORT: setting({ schema: Port, expected: port, meaning: "port of the API", fallback: "5000" }),
  MANAGEMENT_PORT: setting({
    schema: Port,
    expected: port,
    meaning:
      "port of `/live`, `/ready` and `/metrics`, always plain HTTP; keep it off public networks; default: 5001, for the worker 5002",
    fallback: null,
  }),
  TLS_CERT_FILE: setting({
    schema: Text,
    expected: expectedPemFile,
    meaning:
      "certificate of the API, followed by any intermediate certificates: makes the API serve HTTPS; a renewed certificate in the file is served within 10 s",
    fallback: null,
  }),
  TLS_KEY_FILE: setting({
    schema: Text,
    expected: expectedPemFile,
    meaning: "private key of `TLS_CERT_FILE`, without a passphrase",
    fallback: null,
  }),
  TLS_TERMINATED_UPSTREAM: setting({
    schema: Switch,
    expected: "on or off",
    meaning:
      "`on` declares that a proxy in front of the API terminates TLS; without it and without a certificate, the API listens only on loopback addresses",
    fallback: "off",
  }),
  TRUSTED_PROXIES: setting({
    schema: Networks,
    expected: expectedProxies,
    meaning:
      "proxies whose `X-Forwarded-For` is trusted; the client is the rightmost address that is not one of them; `none` says that callers connect from their own addresses; required with `TLS_TERMINATED_UPSTREAM=on`",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/**
 * Settings that would send tokens over a network in plaintext, or take all callers for one, and a certificate that
 * cannot be used.
 */
export const problems = Effect.fnUntraced(function* (program: Program, values: Values) {
  if (program === "worker" || program === "command") return []
  return [...plaintextProblems(values), ...proxyProblems(values), ...(yield* certificateProblems(values))]
})

/** The files of the certificate and its key; undefined unless both are set. */
export const certificateFiles = (values: Values): Certificate.Files | undefined => {
  const { TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile } = values
  return certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile }
}

const plaintextProblems = (values: Values): ReadonlyArray<string> => {
  const isOpen = values.HTTP_HOST !== undefined && !isLoopback(values.HTTP_HOST)
  const hasTls = values.TLS_CERT_FILE !== undefined || values.TLS_TERMINATED_UPSTREAM !== false
  return isOpen && !hasTls
    ? [
        "HTTP_HOST is not a loopback address and tokens would travel in plaintext: set TLS_CERT_FILE and TLS_KEY_FILE, or put a proxy that terminates TLS in front and set TLS_TERMINATED_UPSTREAM=on, or listen on 127.0.0.1",
      ]
    : []
}

/** Behind an unknown proxy, all callers would share its address, and one of them could use up the limits of all. */
const proxyProblems = (values: Values): ReadonlyArray<string> =>
  values.TLS_TERMINATED_UPSTREAM && values.TRUSTED_PROXIES === undefined
    ? [
        `TRUSTED_PROXIES is not set but TLS_TERMINATED_UPSTREAM is on, so all callers would share the address of the proxy and its limits: expected ${expectedProxies}`,
      ]
    : []

const certificateProblems = Effect.fnUntraced(function* (values: Values) {
  const files = certificateFiles(values)
  if (files !== undefined) {
    const read = Effect.as(Certificate.read(files), [])
    return yield* Effect.catch(read, ({ message }) => Effect.succeed([message]))
  }
  if (values.TLS_CERT_FILE !== undefined)
    return ["TLS_KEY_FILE is not set but TLS_CERT_FILE is: set the file of the certificate's key"]
  return values.TLS_KEY_FILE !== undefined
    ? ["TLS_CERT_FILE is not set but TLS_KEY_FILE is: set the file of the key's certificate"]
    : []
})
