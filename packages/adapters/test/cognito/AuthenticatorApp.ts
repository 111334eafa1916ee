/** An authenticator app (RFC 6238), as a user of the tests has one. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TOTP } from "otpauth"

/** The code that it shows now, or `steps` of 30 seconds from now. */
export const codeOf = (secret: Redacted.Redacted, steps = 0) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    new TOTP({ secret: Redacted.value(secret) }).generate({ timestamp: now + steps * 30_000 }),
  )
