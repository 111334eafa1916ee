/**
 * Reads of past prices, which can keep the database busy. A user cannot have many at once, nor in a minute, so that the
 * database has time for others.
 */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { Caller } from "../api/Authorization.ts"
import {
  type InternalError,
  type QuotaExceeded,
  type RepositoryUnavailable,
  TooManyReads,
} from "../api/Problem.ts"
import { orProblem } from "./RepositoryProblem.ts"
import { RequestLimits } from "./RequestLimits.ts"
import * as UserPermits from "./UserPermits.ts"

/** Maximum simultaneous reads: two of one user, and less than half of the pool's connections in all. */
const permits = { perUser: 2, inAll: 4 }

/** How long a read waits for its turn. */
const waitLimit = Duration.seconds(5)

export class HeavyReads extends Context.Service<
  HeavyReads,
  {
    /**
     * Counts the cost of the caller's read, in slots, and then runs it as soon as it has a permit. Fails with
     * `QuotaExceeded` if the caller has used up the quota or has other reads that take too long, and with `TooManyReads`
     * if those of other users do.
     */
    readonly run: (
      slots: number,
    ) => <A, R>(
      read: Effect.Effect<A, RepositoryError, R>,
    ) => Effect.Effect<
      A,
      QuotaExceeded | TooManyReads | RepositoryUnavailable | InternalError,
      R | Caller | HttpServerRequest
    >
  }
>()("@btc-price/http/server/HeavyReads") {}

export const layer: Layer.Layer<HeavyReads, never, RequestLimits> = Layer.effect(
  HeavyReads,
  Effect.gen(function* () {
    const limits = yield* RequestLimits
    const takePermit = yield* UserPermits.make({
      ...permits,
      name: "reads",
      wait: waitLimit,
      busy: () => new TooManyReads(),
    })
    return HeavyReads.of({
      run: (slots) =>
        Effect.fnUntraced(function* (read) {
          yield* limits.forSlots(yield* Caller, slots)
          return yield* Effect.scoped(Effect.andThen(takePermit, orProblem(read)))
        }),
    })
  }),
)
