/** The parameters that the identity provider sends the browser back with (RFC 6749, section 4.1.2). */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { LoginRefused } from "../api/IdentityProblem.ts"
import * as FieldError from "../server/FieldError.ts"

/** The longest code and state, in characters. */
const lengthLimit = 1_024

/**
 * Reads the state, and the code or the error, which must each be there once. Other parameters are ignored. Nothing of
 * them may be believed before the state is verified, because anybody can send a browser here.
 */
export const read = Effect.gen(function* () {
  const query = yield* HttpServerRequest.ParsedSearchParams
  const { code, error, state } = query
  const given = error === undefined ? { code, state } : { state }
  yield* FieldError.refuse(
    Object.entries(given).flatMap(([field, value]) =>
      isOne(value) ? [] : [{ field, message: `expected once, with 1 to ${lengthLimit} characters` }],
    ),
  )
  return {
    state: Redacted.make(String(state)),
    result:
      error === undefined
        ? Result.succeed(Redacted.make(String(code)))
        : Result.fail(isErrorCode(error) ? error : "not an error code"),
  }
})

/** Fails because the provider has reported this error instead of a code. The error is not repeated to the caller. */
export const refuse = Effect.fnUntraced(function* (error: string) {
  yield* Effect.logInfo("The identity provider reported that a login failed").pipe(
    Effect.annotateLogs("code", error),
  )
  return yield* new LoginRefused()
})

const isOne = (value: string | ReadonlyArray<string> | undefined): boolean =>
  typeof value === "string" && value !== "" && value.length <= lengthLimit

/** Whether it has the form of an error code of RFC 6749 and OpenID Connect. Nothing else is logged. */
const isErrorCode = (value: string | ReadonlyArray<string>): value is string =>
  typeof value === "string" && /^[a-z_]{1,40}$/.test(value)
