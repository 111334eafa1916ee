/** Prices that the tests of the commands store in a database and read from it. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import type { Currency } from "@btc-price/domain/Currency"
import { Price } from "@btc-price/domain/Price"
import type { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"

/** Runs `body` with the repository in the database at `url`. */
export const within = <A, E>(
  url: Redacted.Redacted,
  body: Effect.Effect<A, E, PriceRepository | PgClient.PgClient>,
) =>
  Effect.provide(
    body,
    PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url })), Layer.fresh),
  )

/** A valid backfilled price. */
export const price = (currency: Currency, slot: Slot.Slot): Price =>
  new Price({
    currency,
    amount: BigDecimal.make(BigInt(4_000_000 + ((slot / Slot.slotMillis) % 997)), 2),
    slot,
    observedAt: Slot.start(slot),
    fetchedAt: Slot.start(slot),
    source: "bitstamp",
    kind: "backfill",
    derived: currency !== "EUR",
    flagged: false,
  })

/** The slots from `hours` ago to the running slot, so that a test may run into the next slot. */
export const lastSlots = (hours: number): Effect.Effect<ReadonlyArray<Slot.Slot>> =>
  Effect.map(DateTime.now, (now) =>
    Array.from(
      { length: hours * 12 + 1 },
      (_, index) => (Slot.at(now) - (hours * 12 - index) * Slot.slotMillis) as Slot.Slot,
    ),
  )
