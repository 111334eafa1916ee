/** Use case: prune the months that are too old to be kept. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { PriceRepository } from "./PriceRepository.ts"

/** With less, the average of a month that is not UTC's would lose its first hours. */
export const monthsMinimum = 2

/** The first instant that is kept at `now`: the running UTC month and `months` whole ones before it. */
export const keptSince = (now: DateTime.Utc, months: number): DateTime.Utc =>
  DateTime.subtract(DateTime.startOf(now, "month"), { months })

/**
 * Deletes the prices and gaps of all UTC months before {@link keptSince}, and answers the months that had any,
 * oldest first; `isDryRun`: only answers. Any number of processes may do it at once. Fails with `RepositoryError`;
 * dies when `months` is less than {@link monthsMinimum}, which the settings refuse.
 */
export const prune = Effect.fn("Retention.prune")(function* (options: {
  readonly months: number
  readonly isDryRun: boolean
}) {
  const { months, isDryRun } = options
  if (!(Number.isInteger(months) && months >= monthsMinimum)) {
    return yield* Effect.die(new RangeError(`${months} months are less than ${monthsMinimum}`))
  }
  const repository = yield* PriceRepository
  return yield* repository.prune({ start: keptSince(yield* DateTime.now, months), isDryRun })
})
