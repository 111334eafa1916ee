/** Use case: prune the months that are older than the retention period. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { PriceRepository } from "./PriceRepository.ts"

/** The fewest months that can be retained. With fewer, the average of a month in another zone would lose its first hours. */
export const monthsMinimum = 2

/** The first instant retained at `now`: the start of the UTC month that is `months` before the current month. */
export const retainedSince = (now: DateTime.Utc, months: number): DateTime.Utc =>
  DateTime.subtract(DateTime.startOf(now, "month"), { months })

/**
 * Deletes the prices and gaps of all UTC months before {@link retainedSince}. Returns the months that had prices or
 * stored gaps, oldest first. `isDryRun`: only returns them. A slot before the first remaining price is no longer a gap.
 * Several processes may prune at the same time. Fails with `RepositoryError`. Dies if `months` is less than
 * {@link monthsMinimum}, which the settings reject.
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
  return yield* repository.prune({ start: retainedSince(yield* DateTime.now, months), isDryRun })
})
