/** SourceLedger in the memory of one process, for tests and experiments. Its contents end with the layer. */
import type { Slot } from "@btc-price/domain/Slot"
import { type EarlierCall, SourceLedger, type SourceState, unfinished } from "@btc-price/domain/SourceLedger"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const layer: Layer.Layer<SourceLedger> = Layer.sync(SourceLedger, () => {
  const records = new Map<string, SourceRecord>()

  const recordOf = (source: string): SourceRecord =>
    records.getOrInsertComputed(source, () => ({
      state: { cap: null, lastSuccessAt: null, lastFailure: null, breaker: "closed" },
      months: new Map(),
      slotCall: null,
    }))

  const spend = ({
    source,
    at,
    slot,
    limit,
    cap,
  }: Parameters<SourceLedger["Service"]["spend"]>[0]): number | "exhausted" | EarlierCall => {
    const calls = records.get(source)?.months.get(monthOf(at))?.calls ?? 0
    const earlier = records.get(source)?.slotCall
    if (slot !== null && earlier?.slot === slot) return { outcome: earlier.outcome }
    if (limit !== null && calls >= limit) return "exhausted"
    const record = recordOf(source)
    const firstCallAt = record.months.get(monthOf(at))?.firstCallAt ?? at
    record.months.set(monthOf(at), { calls: calls + 1, firstCallAt: DateTime.min(firstCallAt, at) })
    record.state = { ...record.state, cap }
    if (slot !== null) record.slotCall = { slot, outcome: "pending" }
    return calls + 1
  }

  return SourceLedger.of({
    spend: Effect.fn("SourceLedger.spend")((call) => Effect.sync(() => spend(call))),

    spendAgain: Effect.fn("SourceLedger.spendAgain")((call) =>
      Effect.sync(() => {
        const record = records.get(call.source)
        const isPending = record?.slotCall?.slot === call.slot && record.slotCall.outcome === "pending"
        if (!isPending) return spend(call)
        record.slotCall = { slot: call.slot, outcome: unfinished }
        return spend({ ...call, slot: null })
      }),
    ),

    report: Effect.fn("SourceLedger.report")(({ source, at, slot, failure, breaker }) =>
      Effect.sync(() => {
        const record = recordOf(source)
        if (slot !== null) {
          const outcome = failure === null ? "succeeded" : { reason: failure.reason, detail: failure.detail }
          record.slotCall = { slot, outcome }
        }
        record.state =
          failure === null
            ? { ...record.state, breaker, lastSuccessAt: at }
            : {
                ...record.state,
                breaker,
                lastFailure: { at, reason: failure.reason, detail: failure.detail },
              }
      }),
    ),

    states: Effect.fn("SourceLedger.states")((at) =>
      Effect.sync(() =>
        [...records]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([source, { state, months }]) => stateOf(source, state, months.get(monthOf(at)))),
      ),
    ),
  })
})

interface Calls {
  readonly calls: number
  readonly firstCallAt: DateTime.Utc
}

interface SourceRecord {
  state: Omit<SourceState, "source" | "calls" | "firstCallAt">
  readonly months: Map<string, Calls>
  /** The newest call for a slot. */
  slotCall: (EarlierCall & { readonly slot: Slot }) | null
}

const stateOf = (source: string, state: SourceRecord["state"], month: Calls | undefined): SourceState => ({
  ...state,
  source,
  calls: month?.calls ?? 0,
  firstCallAt: month?.firstCallAt ?? null,
})

/** Such as `2026-11`. */
const monthOf = (at: DateTime.Utc): string => DateTime.formatIsoDateUtc(at).slice(0, 7)
