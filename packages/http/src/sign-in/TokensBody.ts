/** Tokens as a response body. */
import type { Tokens } from "@btc-price/domain/access/IdentityProvider"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"

export const toBody = ({ idToken, accessToken, refreshToken, expiresIn }: Tokens) => ({
  id_token: Redacted.value(idToken),
  access_token: Redacted.value(accessToken),
  ...(refreshToken === null ? {} : { refresh_token: Redacted.value(refreshToken) }),
  token_type: "Bearer" as const,
  expires_in: Math.floor(Duration.toSeconds(expiresIn)),
})
