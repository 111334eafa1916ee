/** Settings of Vault as the source of the database's credentials. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AuthoritiesFile from "./AuthoritiesFile.ts"
import { setting } from "./Setting.ts"
import { expectedPemFile, expectedUrl, Secret, Text, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const Path = Schema.String.check(Schema.isPattern(/^[\w-]+(?:\/[\w-][\w.-]*)*$/))

export const declarations = {
  VAULT_ADDR: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "address of Vault; https beyond loopback",
    fallback: null,
  }),
  VAULT_CA_FILE: setting({
    schema: Text,
    expected: expectedPemFile,
    meaning: "certificate authorities trusted for Vault; default: those of Node",
    fallback: null,
  }),
  VAULT_NAMESPACE: setting({
    schema: Schema.String.check(Schema.isPattern(/^[\w./-]+$/)),
    expected: "a namespace such as team/app",
    meaning: "namespace in Vault Enterprise or HCP Vault",
    fallback: null,
  }),
  VAULT_DATABASE_PATH: setting({
    schema: Path,
    expected: "a path such as database/creds/app or database/static-creds/app",
    meaning: "path of a role of the database secrets engine, dynamic or static",
    fallback: null,
  }),
  VAULT_AUTH: setting({
    schema: Schema.Literals(["kubernetes", "approle"]),
    expected: "kubernetes or approle",
    meaning: "auth method with which the programs log in to Vault",
    fallback: "kubernetes",
  }),
  VAULT_AUTH_PATH: setting({
    schema: Path,
    expected: "a path such as kubernetes",
    meaning: "mount path of the auth method; default: its name",
    fallback: null,
  }),
  VAULT_ROLE: setting({
    schema: Text,
    expected: "a role of Vault's Kubernetes auth method",
    meaning: "for `kubernetes`: role to log in as",
    fallback: null,
  }),
  VAULT_JWT_FILE: setting({
    schema: Text,
    expected: "a path",
    meaning: "for `kubernetes`: file with the token of the service account",
    fallback: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  }),
  VAULT_ROLE_ID: setting({
    schema: Secret,
    expected: "a role id",
    meaning: "for `approle`: role id to log in with",
    fallback: null,
  }),
  VAULT_SECRET_ID_FILE: setting({
    schema: Text,
    expected: "a path",
    meaning: "for `approle`: file with the secret id",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** How to reach Vault and log in; undefined if a needed setting is missing. */
export const options = Effect.fnUntraced(function* (values: Values) {
  const { VAULT_ADDR: address, VAULT_DATABASE_PATH: path } = values
  const auth = values.VAULT_AUTH === "approle" ? appRole(values) : kubernetes(values)
  if (address === undefined || path === undefined || auth === undefined) return undefined
  return {
    address,
    path,
    auth,
    authPath: values.VAULT_AUTH_PATH,
    namespace: values.VAULT_NAMESPACE,
    authorities: yield* Effect.orDie(AuthoritiesFile.read(values.VAULT_CA_FILE)),
  }
})

const kubernetes = ({ VAULT_ROLE: role, VAULT_JWT_FILE: tokenFile }: Values) =>
  role === undefined ? undefined : ({ method: "kubernetes", role, tokenFile } as const)

const appRole = ({ VAULT_ROLE_ID: roleId, VAULT_SECRET_ID_FILE: secretIdFile }: Values) =>
  roleId === undefined || secretIdFile === undefined
    ? undefined
    : ({ method: "approle", roleId, secretIdFile } as const)

/** What is missing for credentials from Vault. */
export const problems = Effect.fnUntraced(function* (values: Values) {
  const needed = [
    "VAULT_ADDR",
    "VAULT_DATABASE_PATH",
    ...(values.VAULT_AUTH === "approle"
      ? (["VAULT_ROLE_ID", "VAULT_SECRET_ID_FILE"] as const)
      : (["VAULT_ROLE"] as const)),
  ] as const
  return [
    ...needed
      .filter((name) => values[name] === undefined)
      .map(
        (name) =>
          `${name} is needed, because DATABASE_CREDENTIALS is vault and VAULT_AUTH is ${values.VAULT_AUTH}: expected ${declarations[name].expected}`,
      ),
    ...(yield* AuthoritiesFile.problems("VAULT_CA_FILE", values.VAULT_CA_FILE)),
  ]
})
