/** Settings of the user pool. */
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { expectedRegion, expectedUrl, Names, secrets, Text, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

export const declarations = {
  COGNITO_REGION: setting({
    schema: Text,
    expected: expectedRegion,
    meaning: "region of the user pool",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_USER_POOL_ID: setting({
    schema: Schema.String.check(Schema.isPattern(/^[\w-]+_[0-9A-Za-z]+$/)),
    expected: "a user pool id such as eu-central-1_AbCdEfGhI",
    meaning: "user pool; when it is set the embedded program uses Cognito too",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_CLIENT_ID: setting({
    schema: Text,
    expected: "an app client id",
    meaning: "app client, with USER_PASSWORD_AUTH allowed",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_CLIENT_SECRET: setting({
    schema: secrets(Schema.NonEmptyString),
    expected: "the app client's secret, or the new one and the old one, separated by a comma",
    meaning:
      "secret of a confidential app client, which is the right kind; both while one replaces the other",
    fallback: null,
  }),
  COGNITO_ENDPOINT: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "for emulators; default: AWS's",
    fallback: null,
  }),
  COGNITO_JWKS_URL: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "for emulators; default: AWS's",
    fallback: null,
  }),
  COGNITO_MACHINE_CLIENT_IDS: setting({
    schema: Names,
    expected: "app client ids, separated by commas",
    meaning:
      "app clients whose machines come in by access tokens of their own (client credentials) with the `REQUIRED_SCOPE`",
    fallback: null,
  }),
  AUTH_TOKEN_USE: setting({
    schema: Schema.Literals(["id", "access", "either"]),
    expected: "id, access or either",
    meaning: "tokens that are accepted",
    fallback: "id",
  }),
  REQUIRED_SCOPE: setting({
    schema: Text,
    expected: "a scope such as btc-price/read",
    meaning: "only who has this scope in an access token, or is in the `REQUIRED_GROUP`, comes in",
    fallback: null,
  }),
  REQUIRED_GROUP: setting({
    schema: Text,
    expected: "a group of the user pool",
    meaning: "only who is in this group, or has the `REQUIRED_SCOPE`, comes in",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** What does not go together. */
export const problems = (values: Values): ReadonlyArray<string> => {
  const pool = [values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID]
  return [
    ...(pool.some((value) => value !== undefined) && pool.includes(undefined)
      ? ["COGNITO_USER_POOL_ID, COGNITO_REGION and COGNITO_CLIENT_ID go together: set all or none of them"]
      : []),
    ...(values.COGNITO_REGION !== undefined &&
    values.COGNITO_USER_POOL_ID?.startsWith(`${values.COGNITO_REGION}_`) === false
      ? ["COGNITO_USER_POOL_ID is not of COGNITO_REGION: a pool's id begins with its region"]
      : []),
    ...((values.COGNITO_ENDPOINT === undefined) !== (values.COGNITO_JWKS_URL === undefined)
      ? ["COGNITO_ENDPOINT and COGNITO_JWKS_URL go together: an emulator has both"]
      : []),
    ...(values.AUTH_TOKEN_USE === "id" &&
    values.REQUIRED_SCOPE !== undefined &&
    values.REQUIRED_GROUP === undefined
      ? [
          "REQUIRED_SCOPE lets nobody in: ID tokens have no scopes; set AUTH_TOKEN_USE=access, or REQUIRED_GROUP",
        ]
      : []),
    ...(values.COGNITO_MACHINE_CLIENT_IDS !== undefined &&
    (values.AUTH_TOKEN_USE === "id" || values.REQUIRED_SCOPE === undefined)
      ? [
          "COGNITO_MACHINE_CLIENT_IDS needs AUTH_TOKEN_USE=access or either, and REQUIRED_SCOPE: machines have only access tokens and scopes",
        ]
      : []),
  ]
}
