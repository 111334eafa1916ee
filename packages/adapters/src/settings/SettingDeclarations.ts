/** Every setting, which is an environment variable. `docs/settings.md` is made from these declarations. */
import * as CognitoSettings from "./CognitoSettings.ts"
import * as CredentialsSettings from "./CredentialsSettings.ts"
import * as DatabaseSettings from "./DatabaseSettings.ts"
import * as LimitSettings from "./LimitSettings.ts"
import * as ListenerSettings from "./ListenerSettings.ts"
import * as PriceSettings from "./PriceSettings.ts"
import * as ProgramSettings from "./ProgramSettings.ts"
import * as SignInSettings from "./SignInSettings.ts"
import * as SourceSettings from "./SourceSettings.ts"
import * as VaultSettings from "./VaultSettings.ts"

/** The declarations by the heading under which they are documented. */
export const groups = {
  "Addresses and TLS": ListenerSettings.declarations,
  "Request limits": LimitSettings.declarations,
  Database: DatabaseSettings.declarations,
  "Database credentials": CredentialsSettings.declarations,
  "Vault, with `DATABASE_CREDENTIALS=vault`": VaultSettings.declarations,
  Prices: PriceSettings.declarations,
  "Price sources": SourceSettings.declarations,
  Cognito: CognitoSettings.declarations,
  "Sign-in": SignInSettings.declarations,
  Program: ProgramSettings.declarations,
} as const

type Group = (typeof groups)[keyof typeof groups]

export type Declarations = {
  readonly [Name in Group extends infer G ? (G extends unknown ? keyof G : never) : never]: Extract<
    Group,
    Readonly<Record<Name, unknown>>
  >[Name]
}

export const declarations = Object.assign({}, ...Object.values(groups)) as Declarations
