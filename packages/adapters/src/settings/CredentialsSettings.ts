/** Settings of the user and the password of the database. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isLoopback } from "../postgres/Loopback.ts"
import type * as DatabaseSettings from "./DatabaseSettings.ts"
import { setting } from "./Setting.ts"
import { expectedRegion, Text } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"
import * as VaultSettings from "./VaultSettings.ts"

export const declarations = {
  DATABASE_CREDENTIALS: setting({
    schema: Schema.Literals(["static", "file", "rds-iam", "vault"]),
    expected: "static, file, rds-iam or vault",
    meaning:
      "source of the database's user and password: `static` takes them from `DATABASE_URL`; the other sources change them while the programs run, and `DATABASE_URL` must then have no password, and a user only for `rds-iam`",
    fallback: "static",
  }),
  DATABASE_CREDENTIALS_FILE: setting({
    schema: Text,
    expected: "a path",
    meaning:
      'for `file`: a JSON file with `{"username": …, "password": …}`, as Vault Agent writes it, or a folder with the files `username` and `password`, as Kubernetes mounts a Secret',
    fallback: null,
  }),
  DATABASE_ROLE: setting({
    schema: Text,
    expected: "a role that the database's users are members of",
    meaning:
      "role that every user acts as: it owns the tables, so that users can be replaced; default: the user itself",
    fallback: null,
  }),
  AWS_REGION: setting({
    schema: Text,
    expected: expectedRegion,
    meaning: "for `rds-iam`: region of the database",
    fallback: null,
  }),
} as const

type Values = SettingValues<
  typeof declarations & typeof DatabaseSettings.declarations & typeof VaultSettings.declarations
>

/** The chosen source of credentials, with what it needs. */
export const source = Effect.fnUntraced(function* (values: Values) {
  const { DATABASE_CREDENTIALS: kind, DATABASE_CREDENTIALS_FILE: file, AWS_REGION: region } = values
  if (kind === "file" && file !== undefined) return { kind, file } as const
  if (kind === "rds-iam" && region !== undefined) return { kind, region } as const
  const vault = kind === "vault" ? yield* VaultSettings.options(values) : undefined
  return vault === undefined ? ({ kind: "static" } as const) : ({ kind: "vault", ...vault } as const)
})

/** What the choice lacks, or what contradicts it. */
export const problems = Effect.fnUntraced(function* (values: Values) {
  const { DATABASE_CREDENTIALS: choice, DATABASE_CREDENTIALS_FILE: file, DATABASE_URL: secret } = values
  if (choice === undefined) return []
  const url = secret === undefined ? null : URL.parse(Redacted.value(secret))
  return [
    ...((choice === "file") !== (file !== undefined)
      ? ["DATABASE_CREDENTIALS_FILE and DATABASE_CREDENTIALS=file go together: set both or neither"]
      : []),
    ...(choice === "rds-iam" && values.AWS_REGION === undefined
      ? ["AWS_REGION is not set but DATABASE_CREDENTIALS is rds-iam: set the region of the database"]
      : []),
    ...(url === null ? [] : urlProblems(choice, url)),
    ...(choice === "vault" ? yield* VaultSettings.problems(values) : []),
  ]
})

const urlProblems = (
  choice: "static" | "file" | "rds-iam" | "vault",
  { username, password, hostname }: URL,
): ReadonlyArray<string> => {
  if (choice === "static") return []
  return [
    ...(password === ""
      ? []
      : [`DATABASE_URL has a password but DATABASE_CREDENTIALS is ${choice}: remove the password`]),
    ...(choice !== "rds-iam" && username !== ""
      ? [`DATABASE_URL has a user but DATABASE_CREDENTIALS is ${choice}: remove the user`]
      : []),
    ...(choice === "rds-iam" && username === ""
      ? [
          "DATABASE_URL has no user but DATABASE_CREDENTIALS is rds-iam: name the user that has the role rds_iam",
        ]
      : []),
    ...(choice === "rds-iam" && isLoopback(hostname)
      ? [
          "DATABASE_URL is a loopback address but DATABASE_CREDENTIALS is rds-iam: use the endpoint's name from AWS, because that name is signed and its TLS certificate is verified",
        ]
      : []),
  ]
}
