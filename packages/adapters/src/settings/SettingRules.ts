/** What is wrong with settings that are each valid: they do not go together, or are not safe. */
import * as Effect from "effect/Effect"
import { isLoopback } from "../postgres/Loopback.ts"
import * as CognitoSettings from "./CognitoSettings.ts"
import * as CredentialsSettings from "./CredentialsSettings.ts"
import * as DatabaseSettings from "./DatabaseSettings.ts"
import * as LimitSettings from "./LimitSettings.ts"
import * as ListenerSettings from "./ListenerSettings.ts"
import type { Program } from "./Setting.ts"
import { declarations } from "./SettingDeclarations.ts"
import type { SettingValues } from "./SettingValues.ts"
import * as SignInSettings from "./SignInSettings.ts"
import * as SourceSettings from "./SourceSettings.ts"
import * as VaultSettings from "./VaultSettings.ts"

/** A line each, with the way out; never a secret's value. */
export const problems = Effect.fnUntraced(function* (program: Program, values: SettingValues) {
  return [
    ...SourceSettings.problems(values),
    ...CognitoSettings.problems(values),
    ...SignInSettings.problems(program, values),
    ...(yield* ListenerSettings.problems(program, values)),
    ...LimitSettings.problems(values),
    ...plaintextUrls(values),
    ...(yield* DatabaseSettings.problems(values)),
    ...CredentialsSettings.problems(values),
    ...(yield* VaultSettings.problems(values)),
  ]
})

/** What would send prices or secrets unprotected over a network. */
const plaintextUrls = (values: SettingValues): ReadonlyArray<string> =>
  Object.keys(declarations)
    .filter((name) => {
      const value = values[name as keyof SettingValues]
      return value instanceof URL && value.protocol === "http:" && !isLoopback(value.hostname)
    })
    .map((name) => `${name} is plaintext http: use https; only loopback addresses are excepted`)
