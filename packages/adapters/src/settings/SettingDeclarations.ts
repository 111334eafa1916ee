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

export const declarations = {
  ...ListenerSettings.declarations,
  ...LimitSettings.declarations,
  ...DatabaseSettings.declarations,
  ...CredentialsSettings.declarations,
  ...VaultSettings.declarations,
  ...PriceSettings.declarations,
  ...SourceSettings.declarations,
  ...CognitoSettings.declarations,
  ...SignInSettings.declarations,
  ...ProgramSettings.declarations,
} as const

export type Declarations = typeof declarations
