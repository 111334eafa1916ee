/**
 * The API is ready once it has read the repository: from then on it answers, with prices or with why there are
 * none. Old prices are told as reasons, and by a metric to alert on; they do not take averages and sign-in away.
 */
import { Readiness } from "@btc-price/domain/Readiness"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** After this long without reading the repository the reasons say so; answers still come from memory. */
const silenceLimit = Duration.seconds(30)

export const layer: Layer.Layer<Readiness, never, Snapshot> = Layer.effect(
  Readiness,
  Effect.map(Snapshot, (snapshot) =>
    Readiness.of({
      check: Effect.gen(function* () {
        const now = yield* DateTime.now
        const readAt = yield* snapshot.readAt
        const prices = yield* snapshot.currentPrices
        const reasons = prices.flatMap(({ currency, price, gap }) =>
          price === null ? [`${currency} has no current price${gap === null ? "" : ` (${gap.reason})`}`] : [],
        )
        if (readAt === null) reasons.push("The database has not been read yet")
        else if (Duration.isGreaterThan(DateTime.distance(readAt, now), silenceLimit)) {
          reasons.push(`The database was last read at ${DateTime.formatIso(readAt)}`)
        }
        return { ready: readAt !== null, reasons }
      }),
    }),
  ),
)
