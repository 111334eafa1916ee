/** What is wrong with settings that are each valid: they do not go together, or are not safe. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import { isLoopback } from "./Loopback.ts"
import { declarations, type Program } from "./SettingDeclarations.ts"
import type { SettingValues } from "./SettingValues.ts"

/** A line each, with the way out; never a secret's value. */
export const problems = Effect.fnUntraced(function* (program: Program, values: SettingValues) {
  return [...contradictions(values), ...unsafe(program, values), ...(yield* authoritiesProblems(values))]
})

/** Settings that are each valid but do not go together. */
const contradictions = (values: SettingValues): ReadonlyArray<string> => {
  const { COINGECKO_PLAN: plan, COINGECKO_API_KEY: key } = values
  const cognito = [values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID]
  return [
    ...(plan === "keyless" && key !== undefined
      ? ["COINGECKO_API_KEY is set but COINGECKO_PLAN is keyless: set the plan of the key, demo or pro"]
      : []),
    ...((plan === "demo" || plan === "pro") && key === undefined
      ? [`COINGECKO_PLAN is ${plan} but there is no COINGECKO_API_KEY`]
      : []),
    ...(cognito.some((value) => value !== undefined) && cognito.includes(undefined)
      ? ["COGNITO_USER_POOL_ID, COGNITO_REGION and COGNITO_CLIENT_ID go together: set all or none of them"]
      : []),
    ...(values.COGNITO_REGION !== undefined &&
    values.COGNITO_USER_POOL_ID?.startsWith(`${values.COGNITO_REGION}_`) === false
      ? ["COGNITO_USER_POOL_ID is not of COGNITO_REGION: a pool's id begins with its region"]
      : []),
    ...((values.COGNITO_ENDPOINT === undefined) !== (values.COGNITO_JWKS_URL === undefined)
      ? ["COGNITO_ENDPOINT and COGNITO_JWKS_URL go together: an emulator has both"]
      : []),
  ]
}

/** What would send secrets or prices unprotected over a network, each with the way out. */
const unsafe = (program: Program, values: SettingValues): ReadonlyArray<string> => {
  const urls = [
    "COINGECKO_BASE_URL",
    "COINMATE_BASE_URL",
    "COINBASE_BASE_URL",
    "KRAKEN_BASE_URL",
    "BITSTAMP_BASE_URL",
    "CNB_BASE_URL",
    "COGNITO_ENDPOINT",
    "COGNITO_JWKS_URL",
  ] as const
  const isOpen = values.HTTP_HOST !== undefined && !isLoopback(values.HTTP_HOST)
  return [
    ...(isOpen && values.TLS_TERMINATED_UPSTREAM === false && program !== "worker"
      ? [
          "HTTP_HOST is not a loopback address and tokens would travel in plaintext: put a TLS terminator in front and set TLS_TERMINATED_UPSTREAM=on, or listen on 127.0.0.1",
        ]
      : []),
    ...urls
      .filter((name) => values[name]?.protocol === "http:" && !isLoopback(values[name].hostname))
      .map((name) => `${name} is plaintext http: use https; only loopback addresses are excepted`),
    ...databaseUrlProblems("DATABASE_URL", values.DATABASE_URL),
    ...databaseUrlProblems("LEGACY_DATABASE_URL", values.LEGACY_DATABASE_URL),
  ]
}

const databaseUrlProblems = (
  name: "DATABASE_URL" | "LEGACY_DATABASE_URL",
  secret: Redacted.Redacted | undefined,
): ReadonlyArray<string> => {
  if (secret === undefined) return []
  const expected = `expected ${declarations[name].expected}`
  const url = URL.parse(Redacted.value(secret))
  const isComplete = url !== null && url.hostname !== "" && url.pathname.length > 1
  if (!isComplete || !/^postgres(?:ql)?:$/.test(url.protocol) || !isEncoded(url.username + url.password)) {
    return [`${name} is not valid: ${expected}`]
  }
  // A parameter can name another host than the one that TLS is decided by.
  return url.search === ""
    ? []
    : [`${name} has parameters: ${expected}; beyond loopback TLS is always on and verified`]
}

/** A `%` that begins no escape is to be written `%25`. */
const isEncoded = (text: string): boolean => !/%(?![0-9A-F]{2})/i.test(text)

const authoritiesProblems = Effect.fnUntraced(function* ({ DATABASE_CA_FILE: file }: SettingValues) {
  if (file === undefined) return []
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(file).pipe(Effect.orElseSucceed(() => ""))
  return text.includes("-----BEGIN CERTIFICATE-----")
    ? []
    : [`DATABASE_CA_FILE cannot be used: expected ${declarations.DATABASE_CA_FILE.expected}`]
})
