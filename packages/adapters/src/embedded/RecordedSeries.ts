/** Real bitcoin prices of May 2021, repeated end to end so that every instant has a price. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"

/** The prices recorded at one time, and the time that they stand for in the repetition. */
export interface Point {
  /** Seconds since the epoch. */
  readonly observedAt: number
  /** The price of one bitcoin by lower-case currency code. */
  readonly prices: ReadonlyMap<string, number>
}

export interface RecordedSeries {
  /** The newest point that is not after `instant`, in seconds since the epoch; at most 527 s before it. */
  readonly at: (instant: number) => Point
  /** The points in [from, to], in seconds since the epoch, oldest first, about 288 a day. */
  readonly between: (from: number, to: number) => ReadonlyArray<Point>
}

/**
 * Reads the series: EUR and CZK about every five minutes over 41 hours. The same instant gives the same point in every
 * process. Every value was recorded, even where two repetitions meet. Source: `data/SOURCES.md`.
 */
export const load = Effect.gen(function* () {
  const path = yield* (yield* Path.Path).fromFileUrl(file)
  const recorded = parse(yield* (yield* FileSystem.FileSystem).readFileString(path))
  const [oldest, newest] = [recorded.at(0), recorded.at(-1)]
  if (oldest === undefined || newest === undefined) return yield* Effect.die(`${path} is empty`)
  const first = oldest.observedAt
  const span = newest.observedAt - first + seamSeconds

  /** The seconds by which the repetition that `instant` falls in is shifted from the recording. */
  const shiftAt = (instant: number): number => Math.floor((instant - first) / span) * span

  return {
    at: (instant) => {
      const shift = shiftAt(instant)
      return shifted(recorded.findLast(({ observedAt }) => observedAt + shift <= instant) ?? oldest, shift)
    },
    between: (from, to) => {
      const points: Array<Point> = []
      for (let shift = shiftAt(from); first + shift <= to; shift += span) {
        points.push(...recorded.map((point) => shifted(point, shift)))
      }
      return points.filter(({ observedAt }) => from <= observedAt && observedAt <= to)
    },
  } satisfies RecordedSeries
}).pipe(Effect.orDie)

const shifted = ({ observedAt, prices }: Point, seconds: number): Point => ({
  observedAt: observedAt + seconds,
  prices,
})

const file = new URL("../../data/replay_btc_eur_czk_5min_2021-05-14_2021-05-16.csv", import.meta.url)

/** The time from the last point of one repetition to the first point of the next. */
const seamSeconds = 300

const parse = (csv: string): ReadonlyArray<Point> => {
  const [header = "", ...lines] = csv.trim().split("\n")
  const [, ...codes] = header.split(",")
  return lines.map((line) => {
    const [observedAt = Number.NaN, ...prices] = line.split(",").map(Number)
    return { observedAt, prices: new Map(codes.map((code, index) => [code, prices[index] ?? Number.NaN])) }
  })
}
