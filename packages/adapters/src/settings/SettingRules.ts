/** What is wrong with settings that are valid one by one: they contradict each other, or are unsafe. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isLoopback } from "../postgres/Loopback.ts"
import * as CognitoSettings from "./CognitoSettings.ts"
import * as CredentialsSettings from "./CredentialsSettings.ts"
import * as DatabaseSettings from "./DatabaseSettings.ts"
import * as LimitSettings from "./LimitSettings.ts"
import * as ListenerSettings from "./ListenerSettings.ts"
import * as ProgramSettings from "./ProgramSettings.ts"
import type { Program } from "./Setting.ts"
import { type Declarations, declarations } from "./SettingDeclarations.ts"
import type { SettingValues } from "./SettingValues.ts"
import * as SignInSettings from "./SignInSettings.ts"
import * as SourceSettings from "./SourceSettings.ts"

type Values = SettingValues<Declarations>

/** One line for each problem, with the way out. Never contains the value of a secret. */
export const problems = Effect.fnUntraced(function* (program: Program, values: Values) {
  return [
    ...SourceSettings.problems(values),
    ...CognitoSettings.problems(values),
    ...SignInSettings.problems(program, values),
    ...(yield* ListenerSettings.problems(program, values)),
    ...LimitSettings.problems(values),
    ...ProgramSettings.problems(values),
    ...plaintextUrls(values),
    ...(yield* unverifiedTls),
    ...(yield* DatabaseSettings.problems(program, values)),
    ...(yield* CredentialsSettings.problems(values)),
  ]
})

/** Node's own variable, with which every TLS connection of the process would trust anybody. */
const unverifiedTls = Effect.map(
  Effect.orDie(Config.option(Config.String("NODE_TLS_REJECT_UNAUTHORIZED"))),
  Option.match({
    onNone: () => [],
    onSome: (value) =>
      value === "0"
        ? [
            "NODE_TLS_REJECT_UNAUTHORIZED is 0, so that anybody could pose as the identity provider: unset it, and name a private authority in NODE_EXTRA_CA_CERTS, or in DATABASE_CA_FILE for the database",
          ]
        : [],
  }),
)

/** URLs that would send prices or secrets unprotected over a network. */
const plaintextUrls = (values: Values): ReadonlyArray<string> =>
  Object.keys(declarations)
    .filter((name) => {
      const value = values[name as keyof Values]
      return value instanceof URL && value.protocol === "http:" && !isLoopback(value.hostname)
    })
    .map((name) => `${name} is plaintext http: use https; only loopback addresses are excepted`)
