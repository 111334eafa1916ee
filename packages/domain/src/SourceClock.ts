/** What the answers of the sources say about our clock. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/**
 * Takes each time that a source's answer states: its HTTP `Date`, or the timestamp of a price. Adapters tell it.
 * Whoever asks a source provides it to learn what time it is at the source; by default the time is ignored.
 */
export const SourceClock = Context.Reference<{
  readonly tell: (time: DateTime.Utc) => Effect.Effect<void>
}>("@btc-price/domain/SourceClock", { defaultValue: () => ({ tell: () => Effect.void }) })

/** Tells whoever asks that an answer states this time. */
export const tell = (time: DateTime.Utc): Effect.Effect<void> =>
  Effect.flatMap(SourceClock, (clock) => clock.tell(time))

/** A larger offset of our clock puts prices into the wrong slots. Answers take seconds to arrive. */
const offsetLimit = Duration.minutes(2)

/** Collects the times that the sources tell in one slot. */
export const make = () => {
  /** Of each source, the time that is nearest to ours: a price may be old although the clocks agree. */
  const offsets = new Map<string, number>()

  return {
    /** The `SourceClock` for a call to the source. */
    of: (source: string) =>
      SourceClock.of({
        tell: (time) =>
          Effect.map(DateTime.now, (now) => {
            const offset = DateTime.toEpochMillis(now) - DateTime.toEpochMillis(time)
            const known = offsets.get(source) ?? Infinity
            if (Math.abs(offset) < Math.abs(known)) offsets.set(source, offset)
          }),
      }),

    /** `wrong`: every source that told a time disagrees with our clock by minutes. `unknown`: no source told a time. */
    verdict: (): Verdict => {
      const sorted = [...offsets.values()].toSorted((a, b) => a - b)
      const median = sorted[(sorted.length - 1) >> 1]
      if (median === undefined) return { state: "unknown" }
      const isWrong = sorted.every((offset) => Math.abs(offset) > Duration.toMillis(offsetLimit))
      return { state: isWrong ? "wrong" : "right", aheadMillis: median, sources: [...offsets.keys()] }
    },
  }
}

export type Verdict = KnownVerdict | { readonly state: "unknown" }

export interface KnownVerdict {
  readonly state: "right" | "wrong"
  /** By how much our clock is ahead of the sources' clocks; negative if it is behind. */
  readonly aheadMillis: number
  /** The sources that told a time. */
  readonly sources: ReadonlyArray<string>
}

/** Such as: This machine's clock is 1h ahead of the clocks of coingecko, coinmate */
export const describe = ({
  aheadMillis,
  sources,
}: Exclude<Verdict, { readonly state: "unknown" }>): string => {
  const offset = Duration.format(Duration.seconds(Math.round(Math.abs(aheadMillis) / 1000)))
  return `This machine's clock is ${offset} ${aheadMillis < 0 ? "behind" : "ahead of"} the clocks of ${sources.join(", ")}`
}

const offsetGauge = Metric.gauge("btc_price_clock_offset_seconds", {
  description:
    "By how much this machine's clock is ahead of the sources' clocks; alert when it is minutes off",
})

/** Updates the metric. */
export const observe = (verdict: Verdict): Effect.Effect<void> =>
  verdict.state === "unknown" ? Effect.void : Metric.update(offsetGauge, verdict.aheadMillis / 1000)
