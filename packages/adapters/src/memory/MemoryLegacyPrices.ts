/** LegacyPrices from given rows, for tests and experiments. */
import { LegacyPrices, type LegacyRow } from "@btc-price/domain/LegacyPrices"
import * as DateTime from "effect/DateTime"
import * as Layer from "effect/Layer"
import * as Order from "effect/Order"
import * as Stream from "effect/Stream"

/** The rows in the order in which they were stored. */
export const layer = (rows: ReadonlyArray<LegacyRow>): Layer.Layer<LegacyPrices> =>
  Layer.succeed(LegacyPrices, { rows: Stream.fromIterable(rows.toSorted(byTime)) })

const byTime = Order.mapInput(Order.Number, ({ time }: LegacyRow) =>
  time === null ? Infinity : DateTime.toEpochMillis(time),
)
