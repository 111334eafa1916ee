/** Use case: seal each UTC day when it closes, and again after each change. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Seal from "./Seal.ts"
import { Seals } from "./Seals.ts"

/** How long after its end a day closes. Longer than a sample takes, so that all its slots are known by then. */
const closingDelay = Duration.seconds(90)

/** The day that is not closed yet at `now`: days before it are. */
export const openDay = (now: DateTime.Utc): string =>
  DateTime.formatIsoDateUtc(DateTime.subtractDuration(now, closingDelay))

/** What a run did. */
export interface Sealed {
  /** The new seals, in their order. */
  readonly seals: ReadonlyArray<Seal.Seal>
  /** Closed days that still wait for their seal. */
  readonly waiting: number
}

/**
 * Seals closed days that have changed since their last seal, oldest first, at most `limit` of them. A day whose lines
 * are still those of its last seal needs no other. Only one process should do this at a time: of two, one stops early,
 * and its days wait for the next run. Fails with `RepositoryError`; the seals that were added before stay.
 */
export const sealDays = Effect.fn("Sealing.sealDays")(function* (limit: number) {
  const seals = yield* Seals
  const open = openDay(yield* DateTime.now)
  const closed = (yield* seals.unsealed).filter(({ day }) => day < open)
  const added: Array<Seal.Seal> = []
  let previous = yield* seals.newest
  let settled = 0
  for (const unsealed of closed.slice(0, limit)) {
    const { day, reason } = unsealed
    const range = Seal.rangeOf(day)
    const last = (yield* seals.ofDays(range)).at(-1)
    const lines = yield* Stream.runCollect(seals.lines(range))
    const digest = yield* Seal.digestOf(lines)
    if (last?.digest !== digest) {
      const facts = { day, reason: last === undefined ? "closed" : reason, lines: lines.length, digest }
      const seal = yield* Seal.make(previous, { ...facts, sealedAt: yield* DateTime.now })
      if (!(yield* seals.append(seal))) break
      added.push(seal)
      previous = seal
    }
    yield* seals.settle(unsealed)
    settled++
  }
  return { seals: added, waiting: closed.length - settled } satisfies Sealed
})
