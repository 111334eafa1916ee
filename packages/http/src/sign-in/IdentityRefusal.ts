/** What a failure of the identity provider, or of whoever wants in, is to the caller, the log and the metrics. */
import type { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"
import {
  ChallengeFailed,
  IdentityUnavailable,
  InvalidCredentials,
  InvalidNewPassword,
  InvalidRefreshToken,
  SignInForbidden,
  TooManyAttempts,
  UnknownChallenge,
} from "../api/IdentityProblem.ts"
import { InternalError, InvalidRequest } from "../api/Problem.ts"

/**
 * A refusal takes this long, or a whole multiple of it where the identity provider took longer, so that the time does
 * not tell why. Nearly all of Cognito's answers come sooner.
 */
const floor = Duration.seconds(1)

/** Lets a failure, whatever it is, a defect too, take a whole multiple of the floor. */
export const padded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.currentTimeNanos, (start) =>
    Effect.tapCause(effect, () =>
      Effect.flatMap(Clock.currentTimeNanos, (now) => {
        const step = Duration.toNanosUnsafe(floor)
        return Effect.sleep(Duration.nanos(step - ((now - start) % step)))
      }),
    ),
  )

/** What is the caller's to know of each reason, and nothing else is. */
const problems = {
  "invalid-credentials": () => new InvalidCredentials(),
  "invalid-input": () =>
    new InvalidRequest({
      errors: [
        { field: "", message: "the identity provider does not take a user name or an answer of this form" },
      ],
    }),
  "challenge-failed": () => new ChallengeFailed(),
  "unknown-challenge": () => new UnknownChallenge(),
  "invalid-new-password": () => new InvalidNewPassword(),
  "invalid-refresh-token": () => new InvalidRefreshToken(),
  // The caller may be the thief.
  "reused-refresh-token": () => new InvalidRefreshToken(),
  throttled: () => new TooManyAttempts(),
  forbidden: () => new SignInForbidden(),
  unavailable: () => new IdentityUnavailable(),
}
type Reason = keyof typeof problems

/** Refuses for the reasons that are to be expected of an operation; any other is a fault of ours. */
export const refuse = <Expected extends Reason>(...expected: ReadonlyArray<Expected>) => {
  const isExpected = (reason: string): reason is Expected => expected.some((known) => known === reason)
  return Effect.fnUntraced(function* (error: AuthenticatorError) {
    yield* note(error)
    if (error.reason === "throttled" || error.reason === "unavailable") {
      yield* retryAfter(error.retryAfterSeconds ?? pauseSeconds)
    }
    return yield* Effect.fail(
      isExpected(error.reason)
        ? (problems[error.reason]() as ReturnType<(typeof problems)[Expected]>)
        : new InternalError(),
    )
  })
}

/** How soon to come back when nobody knows better. */
const pauseSeconds = 5

const retryAfter = (seconds: number) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(seconds))),
  )

const refusals = Metric.counter("btc_price_sign_in_refusals_total", {
  description:
    "Sign-ins, answers to challenges, refreshes and logins that were refused, by their real reason",
  incremental: true,
})

const note = Effect.fnUntraced(function* (error: AuthenticatorError) {
  const { reason, detail } = error
  yield* Metric.update(Metric.withAttributes(refusals, { reason }), 1)
  switch (reason) {
    case "reused-refresh-token":
      return yield* Effect.logError(
        "A refresh token was used after it had been replaced: one of its two users stole it",
      ).pipe(Effect.annotateLogs({ reason, detail }))
    case "unavailable":
      return yield* Effect.logWarning("The identity provider cannot be asked", Cause.fail(error))
    case "misconfigured":
      return yield* Effect.logError("The identity provider does not accept this service", Cause.fail(error))
    default:
      return yield* Effect.logInfo("A sign-in was refused").pipe(Effect.annotateLogs({ reason, detail }))
  }
})
