/** How a failed sign-in is reported to the caller, the log and the metrics. */
import type { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"
import * as Struct from "effect/Struct"
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
import * as ClientAddress from "../server/ClientAddress.ts"

/**
 * A refusal takes this long, or a whole multiple of it when the identity provider took longer, so that the time does not
 * reveal the cause. Nearly all of Cognito's responses come sooner.
 */
const floor = Duration.seconds(1)

/** Delays a failure of any kind, including a defect, to a whole multiple of the floor. */
export const padded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.currentTimeNanos, (start) =>
    Effect.tapCause(effect, () =>
      Effect.flatMap(Clock.currentTimeNanos, (now) => {
        const step = Duration.toNanosUnsafe(floor)
        return Effect.sleep(Duration.nanos(step - ((now - start) % step)))
      }),
    ),
  )

type Reason = IdentityProviderError["reason"]

/** All that the caller learns of each reason. */
const problems = {
  "invalid-credentials": new InvalidCredentials(),
  "invalid-input": new InvalidRequest({
    errors: [
      { field: "", message: "the identity provider does not accept a user name or an answer of this form" },
    ],
  }),
  "challenge-failed": new ChallengeFailed(),
  "unknown-challenge": new UnknownChallenge(),
  "invalid-new-password": new InvalidNewPassword(),
  "invalid-refresh-token": new InvalidRefreshToken(),
  // The caller may be the thief.
  "reused-refresh-token": new InvalidRefreshToken(),
  throttled: new TooManyAttempts(),
  forbidden: new SignInForbidden(),
  unavailable: new IdentityUnavailable(),
  misconfigured: new InternalError(),
} as const satisfies Readonly<Record<Reason, unknown>>

/** What `refuse` reads of an IdentityProviderError, and of an AuthenticatorError whose reason has the same meaning. */
interface Failure<out R extends Reason> {
  readonly reason: R
  readonly detail: string
  readonly retryAfterSeconds?: number
  readonly requiredAttributes?: ReadonlyArray<string>
}

/** Fails with the problem for the error's reason, after it was logged and counted. */
export const refuse = Effect.fnUntraced(function* <R extends Reason>(error: Failure<R>) {
  yield* Effect.annotateLogs(report(error), "address", yield* ClientAddress.current)
  if (error.reason === "throttled" || error.reason === "unavailable") {
    yield* retryAfter(error.retryAfterSeconds ?? retrySeconds)
  }
  return yield* Effect.fail(problems[error.reason])
})

/**
 * Like `refuse`, for a step that may end in a challenge that is not supported. The names of attributes can be told,
 * because the pool's administrator has chosen them.
 */
export const refuseStep = <R extends Reason>(error: Failure<R>) =>
  Effect.mapError(refuse(error), (problem) =>
    error.requiredAttributes === undefined
      ? problem
      : new UnknownChallenge({
          detail: `The identity provider requires ${error.requiredAttributes.join(", ")} to be set. GET /login, if it is configured, leads to its own pages, which ask for them.`,
        }),
  )

/** When to retry if the error does not say it. */
const retrySeconds = 5

const retryAfter = (seconds: number) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(seconds))),
  )

const refusals = Metric.counter("btc_price_sign_in_refusals_total", {
  description:
    "Sign-ins, answers to challenges, refreshes and logins that were refused, by their actual reason",
  incremental: true,
})

/** Makes every reason begin at 0: a counter that begins with 1 has no increase, so the first theft would raise no alarm. */
export const startCounting = Effect.forEach(Struct.keys(problems), (reason) =>
  Metric.update(Metric.withAttributes(refusals, { reason }), 0),
)

const report = Effect.fnUntraced(function* (error: Failure<Reason>) {
  const { reason, detail } = error
  yield* Metric.update(Metric.withAttributes(refusals, { reason }), 1)
  switch (reason) {
    case "reused-refresh-token":
      return yield* Effect.logError(
        "A refresh token was used after it had been replaced: one of its two holders stole it, or the answer with its replacement was lost and the client tried again",
      ).pipe(Effect.annotateLogs({ reason, detail }))
    case "unavailable":
      return yield* Effect.logWarning("The identity provider cannot be reached", Cause.fail(error))
    case "misconfigured":
      return yield* Effect.logError("The identity provider does not accept this service", Cause.fail(error))
    default:
      return yield* Effect.logInfo("A sign-in was refused").pipe(Effect.annotateLogs({ reason, detail }))
  }
})
