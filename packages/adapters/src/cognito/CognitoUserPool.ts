/** A complete user pool: verifies its tokens, and signs in users by password and, if it has them, on its own pages. */
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import type { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import type { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as CognitoIdentityProvider from "./CognitoIdentityProvider.ts"
import * as CognitoManagedLogin from "./CognitoManagedLogin.ts"
import * as CognitoRegion from "./CognitoRegion.ts"
import * as SigningKeys from "./SigningKeys.ts"
import type * as TokenClaims from "./TokenClaims.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface Options extends TokenClaims.Rules, CognitoIdentityProvider.Options {
  /** For emulators; AWS's address by default. */
  readonly jwksUrl?: URL | string | undefined
  /** Only if the pool has login pages. */
  readonly managedLogin?: CognitoManagedLogin.Pages | undefined
}

/** The Authenticator, the IdentityProvider and, with `managedLogin`, the ManagedLogin. All use the same signing keys. */
export const layer = (
  options: Options,
): Layer.Layer<Authenticator | IdentityProvider, never, HttpClient.HttpClient | SigningKeyStore> =>
  Layer.mergeAll(
    TokenVerifier.layer(options),
    CognitoIdentityProvider.layer(options),
    options.managedLogin === undefined
      ? Layer.empty
      : CognitoManagedLogin.layer({ ...options, ...options.managedLogin }),
  ).pipe(
    Layer.provide(
      SigningKeys.layer({
        jwksUrl: options.jwksUrl ?? CognitoRegion.jwksUrlOf(options.userPoolId, options.region),
      }),
    ),
  )
