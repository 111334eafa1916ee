/** A complete user pool in memory. Signs in its users, and verifies their tokens with the code that verifies Cognito's. */
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import type { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import * as Layer from "effect/Layer"
import * as TokenClaims from "../cognito/TokenClaims.ts"
import * as TokenVerifier from "../cognito/TokenVerifier.ts"
import * as MemoryIdentityProvider from "./MemoryIdentityProvider.ts"
import * as MemoryTokens from "./MemoryTokens.ts"

export interface Options {
  readonly users: ReadonlyArray<MemoryIdentityProvider.User>
  /** By default, every user's ID token is accepted. */
  readonly rules?: Omit<TokenClaims.Rules, keyof typeof MemoryTokens.audience>
}

/** The Authenticator and the IdentityProvider. */
export const layer = ({
  users,
  rules = TokenClaims.anyUsersIdToken,
}: Options): Layer.Layer<Authenticator | IdentityProvider> =>
  Layer.merge(
    TokenVerifier.layer({ ...rules, ...MemoryTokens.audience }),
    MemoryIdentityProvider.layer(users),
  ).pipe(Layer.provide(MemoryTokens.layer))
