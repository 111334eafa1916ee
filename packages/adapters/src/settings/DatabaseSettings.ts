/** Settings of the database. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LocalData from "../embedded/LocalData.ts"
import * as AuthoritiesFile from "./AuthoritiesFile.ts"
import * as ConnectionUrl from "./ConnectionUrl.ts"
import type * as CredentialsSettings from "./CredentialsSettings.ts"
import type * as ProgramSettings from "./ProgramSettings.ts"
import { type Program, setting } from "./Setting.ts"
import { expectedPemFile, Secret, Text } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

export const declarations = {
  DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning:
      "PostgreSQL 15 or later; beyond loopback the connection always uses verified TLS; without it the embedded program starts a PostgreSQL of its own, which the worker's commands use too",
    fallback: null,
    neededBy: ["http", "worker"],
  }),
  LEGACY_DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning: "database in which `import-legacy` finds the table `btc_price`; default: `DATABASE_URL`",
    fallback: null,
  }),
  DATABASE_CA_FILE: setting({
    schema: Text,
    expected: expectedPemFile,
    meaning:
      "certificate authorities trusted for the database, such as the RDS bundle; default: those of Node",
    fallback: null,
  }),
} as const

type Values = SettingValues<
  typeof declarations & typeof CredentialsSettings.declarations & typeof ProgramSettings.declarations
>

/** URLs and files that cannot be used, or that would make the connection unsafe. */
export const problems = Effect.fnUntraced(function* (program: Program, values: Values) {
  return [
    ...(values.DATABASE_URL === undefined ? yield* missing(program, values) : []),
    ...urlProblems("DATABASE_URL", values.DATABASE_URL),
    ...urlProblems("LEGACY_DATABASE_URL", values.LEGACY_DATABASE_URL),
    ...(yield* AuthoritiesFile.problems("DATABASE_CA_FILE", values.DATABASE_CA_FILE)),
  ]
})

/** Why a program cannot do without `DATABASE_URL`, beyond being strict. */
const missing = Effect.fnUntraced(function* (program: Program, values: Values) {
  const { DATA_DIR: folder, DATABASE_CREDENTIALS: credentials } = values
  if (program === "worker") {
    return [
      "DATABASE_URL is for a PostgreSQL of your own: npm start has a worker of its own, and only the commands of this program use the data of npm start",
    ]
  }
  if (program !== "command" || folder === undefined) return []
  if (credentials !== "static") {
    return [
      `DATABASE_URL is not set but DATABASE_CREDENTIALS is: expected ${declarations.DATABASE_URL.expected}`,
    ]
  }
  return (yield* LocalData.exists(folder))
    ? []
    : [
        `DATABASE_URL is not set, and ${folder} has no data of npm start: set DATABASE_URL or DATA_DIR, or run npm start first`,
      ]
})

const urlProblems = (
  name: "DATABASE_URL" | "LEGACY_DATABASE_URL",
  secret: Redacted.Redacted | undefined,
): ReadonlyArray<string> => {
  if (secret === undefined) return []
  const text = Redacted.value(secret)
  const fault =
    ConnectionUrl.faultOf(text, { schemes: ["postgres", "postgresql"], needsDatabase: true }) ??
    // A parameter could name another host than the one by which the use of TLS is decided.
    (text.includes("?") ? "has parameters, but beyond loopback TLS is always on and verified" : undefined)
  return fault === undefined ? [] : [`${name} ${fault}: expected ${declarations[name].expected}`]
}
