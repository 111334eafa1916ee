/** Decodes the rows of a vendor's answer one by one, so that a bad row costs only itself. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Description } from "./Vendor.ts"
import { excerpt } from "./VendorAnswer.ts"

const badRows = Metric.counter("btc_price_vendor_bad_rows_total", {
  description: "Rows of answers that were left out because they are not in the documented form",
  incremental: true,
})

/**
 * The rows that satisfy the schema, in their order. The others are left out, counted, and reported in one line of
 * the log for each answer. Fails as `malformed` if no row is good, unless there are no rows.
 */
export const decode = Effect.fnUntraced(function* <S extends Schema.ConstraintDecoder<unknown>>(
  { name, label }: Pick<Description, "name" | "label">,
  schema: S,
  rows: ReadonlyArray<unknown>,
) {
  const decodeRow = Schema.decodeUnknownResult(schema)
  const good: Array<S["Type"]> = []
  let firstBad: string | undefined
  for (const [index, row] of rows.entries()) {
    const decoded = decodeRow(row)
    if (Result.isSuccess(decoded)) good.push(decoded.success)
    else firstBad ??= `row ${index}: ${excerpt(decoded.failure.message)}`
  }
  const bad = rows.length - good.length
  // Also when it is 0, because a counter that begins with its first row has no increase.
  yield* Metric.update(Metric.withAttributes(badRows, { vendor: name }), bad)
  if (firstBad === undefined) return good
  if (good.length === 0) {
    const detail = `None of the ${rows.length} rows of ${label}'s answer is in the documented form; ${firstBad}`
    return yield* new PriceSourceError({ reason: "malformed", detail })
  }
  yield* Effect.logWarning("Left out bad rows of an answer").pipe(
    Effect.annotateLogs({ vendor: name, rows: rows.length, bad, first: firstBad }),
  )
  return good
})
