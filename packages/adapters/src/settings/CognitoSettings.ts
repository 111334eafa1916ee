/** Settings of the Cognito user pool, and of the tokens that are accepted. */
import * as Schema from "effect/Schema"
import * as CognitoRegion from "../cognito/CognitoRegion.ts"
import { setting } from "./Setting.ts"
import { expectedRegion, expectedUrl, listOf, Names, secrets, Text, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const Region = Schema.String.check(Schema.isPattern(CognitoRegion.regionForm))

export const declarations = {
  COGNITO_REGION: setting({
    schema: Region,
    expected: expectedRegion,
    meaning: "region of the user pool: where it was created, or one of the `COGNITO_REPLICA_REGIONS`",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_USER_POOL_ID: setting({
    schema: Schema.String.check(Schema.isPattern(CognitoRegion.userPoolIdForm)),
    expected: "a user pool id such as eu-central-1_AbCdEfGhI",
    meaning: "id of the user pool; if set, the embedded program uses Cognito too",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_REPLICA_REGIONS: setting({
    schema: listOf(Region),
    expected: "AWS regions, separated by commas",
    meaning: "further regions in which the user pool is replicated; the tokens that they issue are accepted",
    fallback: null,
  }),
  COGNITO_CLIENT_ID: setting({
    schema: Text,
    expected: "an app client id",
    meaning: "id of the app client, which must allow USER_PASSWORD_AUTH",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_CLIENT_SECRET: setting({
    schema: secrets(Schema.NonEmptyString),
    expected: "a secret, or the new and the old secret, separated by a comma",
    meaning:
      "secret of the app client, which should be a confidential client; set both secrets during a rotation",
    fallback: null,
  }),
  COGNITO_ENDPOINT: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "URL of an emulator's API; default: AWS",
    fallback: null,
  }),
  COGNITO_JWKS_URL: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "URL of an emulator's signing keys; default: AWS",
    fallback: null,
  }),
  COGNITO_MACHINE_CLIENT_IDS: setting({
    schema: Names,
    expected: "app client ids, separated by commas",
    meaning:
      "app clients of machines, which are admitted with access tokens of their own (client credentials) that have the `REQUIRED_SCOPE`",
    fallback: null,
  }),
  AUTH_TOKEN_USE: setting({
    schema: Schema.Literals(["id", "access", "either"]),
    expected: "id, access or either",
    meaning: "kind of token that is accepted",
    fallback: "id",
  }),
  REQUIRED_SCOPE: setting({
    schema: Text,
    expected: "a scope such as btc-price/read",
    meaning: "admits only access tokens with this scope and members of the `REQUIRED_GROUP`",
    fallback: null,
  }),
  REQUIRED_GROUP: setting({
    schema: Text,
    expected: "a group of the user pool",
    meaning: "admits only members of this group and access tokens with the `REQUIRED_SCOPE`",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** Settings that contradict each other. */
export const problems = (values: Values): ReadonlyArray<string> => {
  const pool = [values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID]
  return [
    ...(pool.some((value) => value !== undefined) && pool.includes(undefined)
      ? ["COGNITO_USER_POOL_ID, COGNITO_REGION and COGNITO_CLIENT_ID go together: set all of them or none"]
      : []),
    ...(values.COGNITO_REGION !== undefined &&
    values.COGNITO_USER_POOL_ID?.startsWith(`${values.COGNITO_REGION}_`) === false &&
    values.COGNITO_REPLICA_REGIONS?.includes(values.COGNITO_REGION) !== true
      ? [
          "COGNITO_USER_POOL_ID is not in COGNITO_REGION: the id of a user pool begins with its region; if the pool is replicated to COGNITO_REGION, name it in COGNITO_REPLICA_REGIONS",
        ]
      : []),
    ...((values.COGNITO_ENDPOINT === undefined) !== (values.COGNITO_JWKS_URL === undefined)
      ? ["COGNITO_ENDPOINT and COGNITO_JWKS_URL go together: set both for an emulator, or neither"]
      : []),
    ...(values.AUTH_TOKEN_USE === "id" &&
    values.REQUIRED_SCOPE !== undefined &&
    values.REQUIRED_GROUP === undefined
      ? [
          "REQUIRED_SCOPE admits nobody, because ID tokens have no scopes: set AUTH_TOKEN_USE=access, or REQUIRED_GROUP",
        ]
      : []),
    ...(values.COGNITO_MACHINE_CLIENT_IDS !== undefined &&
    (values.AUTH_TOKEN_USE === "id" || values.REQUIRED_SCOPE === undefined)
      ? [
          "COGNITO_MACHINE_CLIENT_IDS needs AUTH_TOKEN_USE=access or either, and REQUIRED_SCOPE: machines have only access tokens, which are admitted by their scope",
        ]
      : []),
  ]
}
