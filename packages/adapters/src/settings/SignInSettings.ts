/** Settings of how users sign in. */
import * as Schema from "effect/Schema"
import type * as CognitoSettings from "./CognitoSettings.ts"
import { type Program, setting } from "./Setting.ts"
import { secrets, Switch, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

/** A shorter key would be easier to guess than the key that is derived from it. */
const sealingKeyMinimumBytes = 32

const isPlain = ({ search, hash, username, password }: URL): boolean =>
  search === "" && hash === "" && username === "" && password === ""

const isLongEnough = (base64: string): boolean =>
  /^[\w+/-]+={0,2}$/.test(base64) && Buffer.from(base64, "base64").byteLength >= sealingKeyMinimumBytes

export const declarations = {
  PASSWORD_LOGIN: setting({
    schema: Switch,
    expected: "on or off",
    meaning: "`off` removes `/get_token` and the paths under it",
    fallback: "on",
  }),
  COGNITO_DOMAIN: setting({
    schema: Url.check(Schema.makeFilter((url) => isPlain(url) && url.pathname === "/")),
    expected: "a URL such as https://example.auth.eu-central-1.amazoncognito.com",
    meaning: "address of the user pool's managed login pages; if set, `GET /login` signs users in there",
    fallback: null,
  }),
  PUBLIC_URL: setting({
    schema: Url.check(Schema.makeFilter((url) => isPlain(url))),
    expected: "a URL such as https://btc-price.example.com",
    meaning:
      "base URL of the API as browsers reach it; register it, followed by `/callback`, as a callback URL of the app client",
    fallback: null,
  }),
  SEALING_KEY: setting({
    schema: secrets(Schema.String.check(Schema.makeFilter(isLongEnough))),
    expected: `${sealingKeyMinimumBytes} bytes or more in base64, or the new and the old key, separated by a comma`,
    meaning:
      "key that encrypts the state which clients hold between the steps of a sign-in, and authenticates Cognito's keys that are stored for a restart; the same for all replicas; default: derived from `COGNITO_CLIENT_SECRET`",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations & typeof CognitoSettings.declarations>

/** Settings that contradict each other, or that would leave replicas unable to finish each other's sign-ins. */
export const problems = (program: Program, values: Values): ReadonlyArray<string> => {
  const { COGNITO_DOMAIN: domain, PASSWORD_LOGIN: isPasswordLogin } = values
  const isSealing = isPasswordLogin !== false || domain !== undefined
  return [
    ...(program === "http" && isSealing && (values.SEALING_KEY ?? values.COGNITO_CLIENT_SECRET) === undefined
      ? [
          "COGNITO_CLIENT_SECRET and SEALING_KEY are not set: set one of them, so that replicas can finish each other's sign-ins, or set PASSWORD_LOGIN=off and leave COGNITO_DOMAIN unset",
        ]
      : []),
    ...(domain !== undefined && values.PUBLIC_URL === undefined
      ? ["PUBLIC_URL is not set but COGNITO_DOMAIN is: the login pages send browsers back to PUBLIC_URL"]
      : []),
    ...(domain !== undefined && values.COGNITO_USER_POOL_ID === undefined
      ? ["COGNITO_DOMAIN is set but COGNITO_USER_POOL_ID is not: login pages belong to a user pool"]
      : []),
  ]
}
