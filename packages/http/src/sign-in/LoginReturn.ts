/** The parameters that the identity provider sends the browser back with (RFC 6749, section 4.1.2). */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import { LoginRefused } from "../api/IdentityProblem.ts"
import * as FieldError from "../server/FieldError.ts"

/** The longest code and state, in characters. */
const lengthLimit = 1_024

/**
 * Reads the code and the state, which must each be there once. Other parameters are ignored. Fails with `LoginRefused`
 * when the provider reports an error instead. The error is not repeated, because anybody may have written it.
 */
export const read = Effect.gen(function* () {
  const query = yield* HttpServerRequest.ParsedSearchParams
  if (query["error"] !== undefined) {
    yield* Effect.logInfo("The identity provider reported that a login failed").pipe(
      Effect.annotateLogs({ error: isErrorCode(query["error"]) ? query["error"] : "not an error code" }),
    )
    return yield* new LoginRefused()
  }
  const { code, state } = query
  yield* FieldError.refuse(
    Object.entries({ code, state }).flatMap(([field, value]) =>
      isOne(value) ? [] : [{ field, message: `expected once, with 1 to ${lengthLimit} characters` }],
    ),
  )
  return { code: Redacted.make(String(code)), state: Redacted.make(String(state)) }
})

const isOne = (value: string | ReadonlyArray<string> | undefined): boolean =>
  typeof value === "string" && value !== "" && value.length <= lengthLimit

/** Whether it has the form of an error code of RFC 6749 and OpenID Connect. Nothing else is logged. */
const isErrorCode = (value: string | ReadonlyArray<string>): boolean =>
  typeof value === "string" && /^[a-z_]{1,40}$/.test(value)
