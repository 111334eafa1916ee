/** Settings of the database. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as AuthoritiesFile from "./AuthoritiesFile.ts"
import { setting } from "./Setting.ts"
import { expectedPemFile, Secret, Text } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

export const declarations = {
  DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning:
      "PostgreSQL 15 or later; beyond loopback always by verified TLS. The embedded program starts its own",
    fallback: null,
    neededBy: ["http", "worker"],
  }),
  LEGACY_DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning: "where `import-legacy` finds the table `btc_price`; default: `DATABASE_URL`",
    fallback: null,
  }),
  DATABASE_CA_FILE: setting({
    schema: Text,
    expected: expectedPemFile,
    meaning:
      "authorities that may sign the database's certificate, such as the RDS bundle; default: those of Node",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** What would leave the connection unsafe, or cannot be used. */
export const problems = Effect.fnUntraced(function* (values: Values) {
  return [
    ...urlProblems("DATABASE_URL", values.DATABASE_URL),
    ...urlProblems("LEGACY_DATABASE_URL", values.LEGACY_DATABASE_URL),
    ...(yield* AuthoritiesFile.problems("DATABASE_CA_FILE", values.DATABASE_CA_FILE)),
  ]
})

const urlProblems = (
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
