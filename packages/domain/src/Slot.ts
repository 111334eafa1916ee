/** The five-minute slots since the Unix epoch. Each slot has at most one accepted price per currency. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

export const slotMillis = 300_000

/** The start of a slot, in milliseconds since the epoch, a multiple of {@link slotMillis}. */
export const Slot = Schema.Int.check(Schema.isMultipleOf(slotMillis)).pipe(Schema.brand("Slot"))
export type Slot = typeof Slot.Type

/** The slot that contains `instant`. */
export const at = (instant: DateTime.DateTime): Slot =>
  (Math.floor(DateTime.toEpochMillis(instant) / slotMillis) * slotMillis) as Slot

/** The oldest slot that does not start before `instant`. */
export const notBefore = (instant: DateTime.DateTime): Slot =>
  (Math.ceil(DateTime.toEpochMillis(instant) / slotMillis) * slotMillis) as Slot

/** The slot after `slot`. */
export const next = (slot: Slot): Slot => (slot + slotMillis) as Slot

/** The slot before `slot`. */
export const previous = (slot: Slot): Slot => (slot - slotMillis) as Slot

/** The earlier of two slots. */
export const min = (a: Slot, b: Slot): Slot => Math.min(a, b) as Slot

/** The instant at which `slot` starts. */
export const start = (slot: Slot): DateTime.Utc => DateTime.makeUnsafe(slot)

/** The slots that start in the half-open range [start, end), oldest first. */
export const within = function* ({
  start,
  end,
}: {
  readonly start: DateTime.DateTime
  readonly end: DateTime.DateTime
}): Generator<Slot, undefined> {
  const endMillis = DateTime.toEpochMillis(end)
  for (let slot = notBefore(start); slot < endMillis; slot = next(slot)) yield slot
}

/** The number of slots that start in the half-open range [from, to); 0 if the range is empty or reversed. */
export const count = (from: DateTime.DateTime, to: DateTime.DateTime): number =>
  Math.max(
    0,
    Math.ceil(DateTime.toEpochMillis(to) / slotMillis) - Math.ceil(DateTime.toEpochMillis(from) / slotMillis),
  )
