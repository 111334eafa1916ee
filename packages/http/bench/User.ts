/** Who asks the API. */
import * as Redacted from "effect/Redacted"

export const user = { username: "bench", password: Redacted.make("bench") }
