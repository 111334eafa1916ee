/** Use case: check the seals, and the prices and gaps of each closed day against the day's last seal. */
import type * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Difference from "./Difference.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Seal from "./Seal.ts"
import * as Sealing from "./Sealing.ts"
import { Seals } from "./Seals.ts"
import * as Slot from "./Slot.ts"

/** How far the clock of the process that stores prices may be ahead of ours. */
const clockTolerance = Duration.minutes(1)

/** No price or gap is later. */
const lastEnd = DateTime.makeUnsafe("2100-01-01T00:00:00Z")

export interface SealVerification {
  /** Closed days with a seal that were compared with it. */
  readonly sealedDays: number
  /** Closed days that wait for their seal, so that nothing can be said about them. */
  readonly unsealedDays: number
  /** The newest seal; null if there is none. */
  readonly newest: Seal.Seal | null
  /** Of the chain by number, then of the days in their order. */
  readonly differences: ReadonlyArray<Difference.Difference>
}

/**
 * Recomputes the chain, and the digest of each closed day from its prices and gaps. A day that differs is looked at
 * again, because another process may have changed or sealed it in between. Prices and gaps of slots
 * that have not begun are differences too. Holds the last seal of each day and the
 * lines of one day in memory, and changes nothing. `keptLink`: the link of a seal, from a copy that was kept elsewhere;
 * it is a difference if the chain does not have it. Fails with `RepositoryError`.
 */
export const verify = Effect.fn("SealVerification.verify")(function* (
  options: { readonly keptLink?: string | undefined } = {},
) {
  const seals = yield* Seals
  const now = yield* DateTime.now
  const open = Sealing.openDay(now)
  const unsealed = yield* unsealedDays
  const chain = yield* verifyChain(options.keptLink)
  const left = new Map(chain.lastOfDay)
  const differences = [...chain.differences]
  if (options.keptLink !== undefined && !chain.hasKeptLink) {
    differences.push(Difference.ofKeptLink(options.keptLink, now))
  }
  let sealedDays = 0

  const compare = Effect.fnUntraced(function* (day: string, lines: ReadonlyArray<string>) {
    const last = left.get(day)
    left.delete(day)
    if (day >= open || unsealed.has(day)) return
    if (last !== undefined) sealedDays++
    if ((yield* differenceOf(day, last, lines)) === null) return
    const again = yield* lookAgain(day)
    if (again !== null) differences.push(again)
  })

  const end = DateTime.makeUnsafe(`${open}T00:00:00Z`)
  yield* seals.lines({ start: DateTime.makeUnsafe(0), end }).pipe(
    Stream.groupAdjacentBy(Seal.dayOfLine),
    Stream.runForEach(([day, lines]) => compare(day, lines)),
  )
  for (const day of left.keys()) yield* compare(day, [])
  const ahead = Slot.start(Slot.next(Slot.at(DateTime.addDuration(now, clockTolerance))))
  yield* seals.lines({ start: ahead, end: lastEnd }).pipe(
    Stream.groupAdjacentBy(Seal.dayOfLine),
    Stream.runForEach(([day, lines]) =>
      Effect.sync(() => {
        const detail = `${day} has ${count(lines.length)} in slots that have not begun`
        differences.push(Difference.ofDay(day, detail))
      }),
    ),
  )
  return {
    sealedDays,
    unsealedDays: [...unsealed].filter((day) => day < open).length,
    newest: chain.newest,
    differences: differences.toSorted((a, b) => DateTime.Order(a.range.start, b.range.start)),
  } satisfies SealVerification
})

const unsealedDays = Effect.gen(function* () {
  const days = yield* (yield* Seals).unsealed
  return new Set(days.map(({ day }) => day))
})

/** Follows the chain from the stored link of each seal, so that each seal that was tampered with is found. */
const verifyChain = Effect.fnUntraced(function* (keptLink: string | undefined) {
  const seals = yield* Seals
  const lastOfDay = new Map<string, Seal.Seal>()
  const differences: Array<Difference.Difference> = []
  let previous: Seal.Seal | null = null
  let hasKeptLink = false
  yield* Stream.runForEach(
    seals.chain,
    Effect.fnUntraced(function* (seal) {
      const number: number = (previous?.number ?? 0) + 1
      if (seal.number !== number) {
        const missing =
          seal.number - number === 1 ? `Seal ${number} is` : `Seals ${number} to ${seal.number - 1} are`
        differences.push(
          Difference.ofDay(seal.day, `${missing} missing before seal ${seal.number} of ${seal.day}`),
        )
      } else if (seal.link !== (yield* Seal.linkOf(previous, seal))) {
        differences.push(
          Difference.ofDay(seal.day, `Seal ${number} of ${seal.day} does not follow from the seal before it`),
        )
      }
      previous = seal
      hasKeptLink ||= seal.link === keptLink
      lastOfDay.set(seal.day, seal)
    }),
  )
  return { newest: previous as Seal.Seal | null, lastOfDay, hasKeptLink, differences }
})

const lookAgain = Effect.fnUntraced(function* (
  day: string,
): Effect.fn.Return<Difference.Difference | null, RepositoryError, Seals | Digest.Digest> {
  const seals = yield* Seals
  if ((yield* unsealedDays).has(day)) return null
  const range = Seal.rangeOf(day)
  const last = (yield* seals.ofDays(range)).at(-1)
  return yield* differenceOf(day, last, yield* Stream.runCollect(seals.lines(range)))
})

const differenceOf = Effect.fnUntraced(function* (
  day: string,
  last: Seal.Seal | undefined,
  lines: ReadonlyArray<string>,
) {
  if (last === undefined) {
    return Difference.ofDay(day, `${day} has ${count(lines.length)} and no seal`)
  }
  if (last.digest === (yield* Seal.digestOf(lines))) return null
  const sealed = `seal ${last.number} (${last.reason}, ${DateTime.formatIso(last.sealedAt)})`
  return Difference.ofDay(
    day,
    lines.length === last.lines
      ? `The prices and gaps of ${day} are not those of its ${sealed}`
      : `${day} has ${count(lines.length)}, but its ${sealed} has ${last.lines}`,
  )
})

const count = (lines: number): string => `${lines} ${lines === 1 ? "price or gap" : "prices and gaps"}`
