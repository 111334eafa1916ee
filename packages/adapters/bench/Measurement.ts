/** Measures time and memory, and prints the results as a table. */
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as Rec from "effect/Record"

/** A measurement, compared to another measurement of the same run. */
export interface Row {
  readonly what: string
  readonly figure: string
  readonly comparedTo?: string
  readonly ratio?: string
  readonly target?: string
}

const titles: Required<Row> = {
  what: "what",
  figure: "figure",
  comparedTo: "compared to",
  ratio: "ratio",
  target: "target",
}

const columns = Object.keys(titles) as ReadonlyArray<keyof Row>

/** Prints rows as a table under a title. */
export const print = (title: string, rows: ReadonlyArray<Row>): Effect.Effect<void> => {
  const widths = columns.map((column) =>
    Math.max(...[titles, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: Row) =>
    columns
      .map((column, index) => (row[column] ?? "").padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd()
  const rule = widths.map((width) => "-".repeat(width)).join("  ")
  return Console.log(["", title, "", line(titles), rule, ...rows.map(line)].join("\n"))
}

/** The milliseconds that `effect` takes, and its result. */
export const timed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const start = performance.now()
  const value = yield* effect
  return { value, millis: performance.now() - start }
})

/**
 * The median milliseconds of each of `effects`, after one warm-up run. The effects take turns, so that noise of the
 * machine affects all of them.
 */
export const medians = <Effects extends Readonly<Record<string, Effect.Effect<unknown, any, any>>>>(
  runs: number,
  effects: Effects,
): Effect.Effect<
  Readonly<Record<keyof Effects, number>>,
  Effect.Error<Effects[keyof Effects]>,
  Effect.Services<Effects[keyof Effects]>
> =>
  Effect.gen(function* () {
    const times: Record<string, Array<number>> = {}
    for (let run = 0; run <= runs; run++) {
      for (const [name, effect] of Object.entries(effects)) {
        const { millis } = yield* timed(effect)
        if (run > 0) (times[name] ??= []).push(millis)
      }
    }
    return Rec.map(times, median) as Readonly<Record<keyof Effects, number>>
  })

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = Arr.sort(values, Order.Number)
  const upper = Math.floor(sorted.length / 2)
  const pair = sorted.length % 2 === 1 ? [sorted[upper]] : [sorted[upper - 1], sorted[upper]]
  return pair.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0) / pair.length
}

/** The quantile of `values` for a share from 0 to 1: the value that this share of them does not exceed. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  Arr.sort(values, Order.Number)[Math.floor(share * (values.length - 1))] ?? Number.NaN

const sampleMillis = 5

/** How far the resident memory of this process grows at most while `effect` runs, in bytes. */
export const memoryGrowth = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(watchMemory),
    (watch) => Effect.map(effect, (value) => ({ value, bytes: watch.growth() })),
    (watch) => Effect.sync(watch.stop),
  )

/** Watches the maximum resident memory of this process, starting now. */
export const watchMemory = () => {
  const before = process.memoryUsage.rss()
  let maximum = before
  const look = () => (maximum = Math.max(maximum, process.memoryUsage.rss()))
  const timer = setInterval(look, sampleMillis)
  return { growth: () => look() - before, stop: () => clearInterval(timer) }
}

export const inMillis = (millis: number): string => `${millis.toFixed(millis < 100 ? 2 : 0)} ms`
export const inSeconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`
export const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
export const inThousands = (count: number): string => Math.round(count).toLocaleString("en")
export const inTimes = (ratio: number): string => `${ratio.toFixed(2)} x`
