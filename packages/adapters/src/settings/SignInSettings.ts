/** Settings of how users sign in. */
import * as Schema from "effect/Schema"
import type * as CognitoSettings from "./CognitoSettings.ts"
import { type Program, setting } from "./Setting.ts"
import { secrets, Switch, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

/** Fewer would be easier to guess than the key that is made of them. */
const sealingKeyAtLeastBytes = 32

const isPlain = ({ search, hash, username, password }: URL): boolean =>
  search === "" && hash === "" && username === "" && password === ""

const isLongEnough = (base64: string): boolean =>
  /^[\w+/-]+={0,2}$/.test(base64) && Buffer.from(base64, "base64").byteLength >= sealingKeyAtLeastBytes

export const declarations = {
  PASSWORD_LOGIN: setting({
    schema: Switch,
    expected: "on or off",
    meaning: "`off` removes `/get_token` and all under it",
    fallback: "on",
  }),
  COGNITO_DOMAIN: setting({
    schema: Url.check(Schema.makeFilter((url) => isPlain(url) && url.pathname === "/")),
    expected: "a URL such as https://example.auth.eu-central-1.amazoncognito.com",
    meaning: "where the user pool's own login pages are; with it `GET /login` signs in there",
    fallback: null,
  }),
  PUBLIC_URL: setting({
    schema: Url.check(Schema.makeFilter((url) => isPlain(url))),
    expected: "a URL such as https://btc-price.example.com",
    meaning:
      "root of the API as browsers reach it; with `/callback` after it, it is a callback URL of the app client",
    fallback: null,
  }),
  SEALING_KEY: setting({
    schema: secrets(Schema.String.check(Schema.makeFilter(isLongEnough))),
    expected: `${sealingKeyAtLeastBytes} bytes or more in base64, or the new key and the old one, separated by a comma`,
    meaning:
      "seals what clients keep between the steps of a sign-in, the same for all replicas; default: derived from `COGNITO_CLIENT_SECRET`",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations & typeof CognitoSettings.declarations>

/** What does not go together, and what would leave replicas unable to finish each other's sign-ins. */
export const problems = (program: Program, values: Values): ReadonlyArray<string> => {
  const { COGNITO_DOMAIN: domain, PASSWORD_LOGIN: isPasswordLogin } = values
  const isSealing = isPasswordLogin !== false || domain !== undefined
  return [
    ...(program === "http" && isSealing && (values.SEALING_KEY ?? values.COGNITO_CLIENT_SECRET) === undefined
      ? [
          "COGNITO_CLIENT_SECRET is not set, nor is SEALING_KEY: set one of them, so that replicas can finish each other's sign-ins, or PASSWORD_LOGIN=off and no COGNITO_DOMAIN",
        ]
      : []),
    ...(domain !== undefined && values.PUBLIC_URL === undefined
      ? ["PUBLIC_URL is not set but COGNITO_DOMAIN is: its login pages send browsers back to PUBLIC_URL"]
      : []),
    ...(domain !== undefined && values.COGNITO_USER_POOL_ID === undefined
      ? ["COGNITO_DOMAIN is set but COGNITO_USER_POOL_ID is not: the login pages are those of a user pool"]
      : []),
  ]
}
