/** What the metrics and the log say about a sample. */
import type * as Sampler from "@btc-price/domain/Sampler"
import * as Slot from "@btc-price/domain/Slot"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as GapWarning from "./GapWarning.ts"
import * as Maintenance from "./Maintenance.ts"

const samples = Metric.counter("btc_price_samples_total", {
  description: "Prices stored",
  incremental: true,
})

export const report = Effect.fnUntraced(function* (sample: Sampler.Sample) {
  const { slot, prices } = sample
  const start = DateTime.formatIso(Slot.start(slot))
  for (const { currency, source, amount, derived, flagged } of prices) {
    yield* Metric.update(Metric.withAttributes(samples, { currency, source, flagged: String(flagged) }), 1)
    const line = flagged
      ? Effect.logWarning("Sampled a price that no other source confirms")
      : Effect.logInfo("Sampled a price")
    yield* Effect.annotateLogs(line, {
      slot: start,
      currency,
      amount: BigDecimal.format(amount),
      source,
      derived,
    })
  }
  for (const { currency, reason } of sample.gaps) {
    yield* Metric.update(Metric.withAttributes(Maintenance.gapsTotal, { currency, reason }), 1)
  }
  for (const { message, gaps: same } of GapWarning.of(sample)) {
    yield* Effect.logWarning(message).pipe(
      Effect.annotateLogs({
        slot: start,
        currency: same.map(({ currency }) => currency),
        reason: same[0].reason,
        detail: Object.fromEntries(same.map(({ currency, detail }) => [currency, detail])),
      }),
    )
  }
})
