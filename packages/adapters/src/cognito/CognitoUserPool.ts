/** A user pool as a whole: its users come in by password, and on its own pages where it has some. */
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as CognitoAuthenticator from "./CognitoAuthenticator.ts"
import * as CognitoManagedLogin from "./CognitoManagedLogin.ts"
import type { SigningKeyStore } from "../../../domain/src/access/SigningKeyStore.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface Options extends TokenVerifier.Options, CognitoAuthenticator.Options {
  /** Of a pool that has login pages. */
  readonly managedLogin?: CognitoManagedLogin.Pages | undefined
}

/** The Authenticator, and with `managedLogin` the ManagedLogin. Both verify by the same keys, fetched once. */
export const layer = (
  options: Options,
): Layer.Layer<Authenticator, never, HttpClient.HttpClient | SigningKeyStore> =>
  Layer.merge(
    CognitoAuthenticator.layer(options),
    options.managedLogin === undefined
      ? Layer.empty
      : CognitoManagedLogin.layer({ ...options, ...options.managedLogin }),
  ).pipe(Layer.provide(TokenVerifier.layer(options)))
