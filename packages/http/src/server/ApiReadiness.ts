/**
 * The API is ready once it has read the repository. From then on it answers with prices or with the reason why a price
 * is missing. Old prices do not make it unready, because averages and sign-in still work; they appear in the reasons,
 * and a metric to alert on shows their age.
 */
import { Readiness } from "@btc-price/domain/Readiness"
import * as Slot from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** If the repository has not been read for this long, the reasons say so. Responses still come from memory. */
const silenceLimit = Duration.seconds(30)

export const layer: Layer.Layer<Readiness, never, Snapshot> = Layer.effect(
  Readiness,
  Effect.map(Snapshot, (snapshot) =>
    Readiness.of({
      check: Effect.gen(function* () {
        const now = yield* DateTime.now
        const readAt = yield* snapshot.readAt
        const problem = yield* snapshot.problem
        const prices = yield* snapshot.currentPrices
        const missing = prices.flatMap(({ currency, price, gap }) =>
          price === null ? [`${currency} has no current price${gap === null ? "" : ` (${gap.reason})`}`] : [],
        )
        const reasons = [...(readAt === null ? [] : missing), ...silenceOf(readAt, now)]
        if (problem !== null) reasons.push(problem.message)
        const futureSlot = yield* snapshot.futureSlot
        if (futureSlot !== null) {
          const time = DateTime.formatIso(Slot.start(futureSlot))
          reasons.push(
            `The slot ${time} has a price but has not begun: this machine's clock is behind, or a worker's was ahead`,
          )
        }
        return { ready: readAt !== null, reasons }
      }),
    }),
  ),
)

/** Says that the database has not been read, or not for a while; empty otherwise. */
export const silenceOf = (readAt: DateTime.Utc | null, now: DateTime.Utc): ReadonlyArray<string> => {
  if (readAt === null) return ["The database has not been read yet"]
  return Duration.isGreaterThan(DateTime.distance(readAt, now), silenceLimit)
    ? [`The database was last read at ${DateTime.formatIso(readAt)}`]
    : []
}
