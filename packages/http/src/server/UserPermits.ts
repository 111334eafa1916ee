/** How much of one kind of work may be done at once: by a user, and in all. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Caller } from "../api/Authorization.ts"
import { QuotaExceeded } from "../api/Problem.ts"

/**
 * Returns an effect that takes a permit for the caller until the scope closes. Waits for at most `wait`; then fails with
 * `QuotaExceeded` if the caller has all of their permits, and with `busy` if others have the rest.
 */
export const make = Effect.fnUntraced(function* <E>(options: {
  /** The name of the limit in `violated-policies`. */
  readonly name: string
  readonly perUser: number
  readonly inAll: number
  /** Zero: does not wait. */
  readonly wait: Duration.Duration
  readonly busy: () => E
}): Effect.fn.Return<Effect.Effect<void, E | QuotaExceeded, Scope.Scope | Caller>, never, Scope.Scope> {
  const { name, perUser, inAll, wait, busy } = options
  const users = yield* RcMap.make({ lookup: (_subject: string) => Semaphore.make(perUser) })
  const all = yield* Semaphore.make(inAll)
  const take = Effect.fnUntraced(function* <E>(permits: Semaphore.Semaphore, refuse: () => E) {
    const isTaken = yield* Effect.acquireRelease(
      Duration.isZero(wait)
        ? permits.takeIfAvailable(1)
        : permits
            .take(1)
            .pipe(
              Effect.as(true),
              Effect.timeoutOrElse({ duration: wait, orElse: () => Effect.succeed(false) }),
            ),
      (isTaken) => (isTaken ? permits.release(1) : Effect.void),
      { interruptible: true },
    )
    if (!isTaken) yield* Effect.fail(refuse())
  })
  return Effect.gen(function* () {
    const { subject } = yield* Caller
    yield* take(yield* RcMap.get(users, subject), () => new QuotaExceeded({ "violated-policies": [name] }))
    yield* take(all, busy)
  })
})
