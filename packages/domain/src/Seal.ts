/**
 * Seals make the books tamper-evident: a seal is a SHA-256 over the prices and gaps of a UTC day, chained to the seal
 * before it. Who keeps the newest `link` elsewhere can prove all days that were sealed until then.
 *
 * The canonical form of a day: the lines of its prices as `PriceLines` writes them in CSV, and the lines of its stored
 * gaps as `GapLines` does, of all currencies, without headers, each with its line feed, sorted by code point, in UTF-8.
 * `digest` is the SHA-256 of these lines, one after the other.
 *
 * The chain: `link` is the SHA-256 of the link of the seal before it (64 zeros before the first), a comma, and this
 * seal's own line of {@link columns} without the link. Digests and links are lower-case hexadecimal.
 */
import * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as GapLines from "./GapLines.ts"
import type { Price } from "./Price.ts"
import * as PriceLines from "./PriceLines.ts"
import * as Slot from "./Slot.ts"

/**
 * Why a day was sealed:
 * - `closed`: the day was over, and this is its first seal;
 * - `repaired`, `backfilled`, `imported`: that command, or the worker's repair, changed the day after it was sealed;
 * - `pruned`: the day is older than the retention period and was deleted;
 * - `corrected`: anything else changed it.
 */
export const Reason = Schema.Literals(["closed", "repaired", "backfilled", "imported", "pruned", "corrected"])
export type Reason = typeof Reason.Type

/** Why a day changed after it was sealed. */
export type Change = Exclude<Reason, "closed">

export interface Seal {
  /** From 1, without holes. */
  readonly number: number
  /** The UTC day, such as `2026-11-24`. It is sealed again after each change; its last seal counts. */
  readonly day: string
  readonly sealedAt: DateTime.Utc
  /** A {@link Reason}, unless somebody tampered with it. */
  readonly reason: string
  /** How many prices and gaps the day has. */
  readonly lines: number
  readonly digest: string
  readonly link: string
}

/** A UTC day that has changed since its last seal, or has no seal yet. */
export interface UnsealedDay {
  readonly day: string
  readonly reason: string
  /** Counts the changes, so that a day that changes while it is being sealed stays unsealed. */
  readonly changes: number
}

/** The names of the fields in CSV and JSON, in their order. */
export const columns = ["number", "day", "sealed_at", "reason", "lines", "digest", "link"] as const

/** The fields of {@link columns}. */
export const fieldsOf = ({ number, day, sealedAt, reason, lines, digest, link }: Seal) => ({
  number,
  day,
  sealed_at: DateTime.formatIso(sealedAt),
  reason,
  lines,
  digest,
  link,
})

/** The UTC day of a slot. */
export const dayOf = (slot: Slot.Slot): string => DateTime.formatIsoDateUtc(Slot.start(slot))

/** The UTC day that a canonical line belongs to: each begins with its slot. */
export const dayOfLine = (line: string): string => line.slice(0, 10)

/** Half-open. */
export const rangeOf = (day: string) => {
  const start = DateTime.makeUnsafe(`${day}T00:00:00Z`)
  return { start, end: DateTime.add(start, { days: 1 }) }
}

/** The canonical lines of prices and gaps, one by one. */
export const linesOf = <E, R>(
  prices: Stream.Stream<Price, E, R>,
  gaps: Stream.Stream<GapLines.StoredGap, E, R>,
) =>
  Stream.concat(
    PriceLines.encodeEach("csv", PriceLines.columns)(Stream.map(prices, PriceLines.fieldsOf)),
    linesOfGaps(gaps),
  )

export const linesOfGaps = <E, R>(gaps: Stream.Stream<GapLines.StoredGap, E, R>) =>
  PriceLines.encodeEach("csv", GapLines.columns)(Stream.map(gaps, GapLines.fieldsOf))

/** The digest of the canonical lines of a day, in any order. */
export const digestOf = (lines: ReadonlyArray<string>) => sha256(lines.toSorted().join(""))

/** The link of a seal that follows `previous`; null: it is the first. */
export const linkOf = (previous: Pick<Seal, "link"> | null, seal: Omit<Seal, "link">) => {
  const { link: _, ...fields } = fieldsOf({ ...seal, link: "" })
  return sha256([previous?.link ?? noLink, ...Object.values(fields)].join(","))
}

/** The seal that follows `previous`. */
export const make = Effect.fnUntraced(function* (
  previous: Pick<Seal, "number" | "link"> | null,
  facts: Pick<Seal, "day" | "sealedAt" | "reason" | "lines" | "digest">,
) {
  const seal = { number: (previous?.number ?? 0) + 1, ...facts }
  return { ...seal, link: yield* linkOf(previous, seal) } satisfies Seal
})

/** What the first seal follows. */
const noLink = "0".repeat(64)

const sha256 = (text: string) =>
  Effect.flatMap(Digest.Digest, (digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(text)))
