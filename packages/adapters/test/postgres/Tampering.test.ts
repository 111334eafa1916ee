/** Books that somebody with the rights of a superuser has changed by SQL: verify names the first day that differs. */
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import { Gap } from "@btc-price/domain/Gap"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sealing from "@btc-price/domain/Sealing"
import * as SealVerification from "@btc-price/domain/SealVerification"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Constraints from "./Constraints.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layer = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    Layer.mergeAll(PostgresPriceRepository.layer, PostgresSeals.layer, NodeDigest.layer).pipe(
      Layer.provideMerge(PostgresClient.layer({ url })),
    ),
  ),
)

const currencies = ["EUR", "CZK"] as const

/** Three hours of the last and first days of two months. The slots of 01:00 have no price, and CZK begins later. */
const slots = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"].flatMap((day) => {
  const start = DateTime.makeUnsafe(`${day}T00:00:00Z`)
  return Array.from(Slot.within({ start, end: DateTime.add(start, { hours: 3 }) }))
})

const books = {
  prices: currencies.flatMap((currency) =>
    slots
      .filter((slot, index) => new Date(slot).getUTCHours() !== 1 && (currency === "EUR" || index > 5))
      .map(
        (slot) =>
          new Price({
            currency,
            amount: BigDecimal.make(BigInt(4_000_000 + ((slot / Slot.slotMillis) % 997)), 2),
            slot,
            observedAt: DateTime.add(Slot.start(slot), { seconds: 3 }),
            fetchedAt: DateTime.add(Slot.start(slot), { seconds: 8 }),
            source: "coingecko",
            kind: "backfill",
            derived: false,
            flagged: false,
          }),
      ),
  ),
  gaps: currencies.flatMap((currency) =>
    slots
      .filter((slot) => new Date(slot).getUTCHours() === 1)
      .map((slot) => new Gap({ currency, slot, reason: "missing", detail: "None", tried: ["bitstamp"] })),
  ),
}

const eur = "where currency = 'EUR' and slot = '2026-02-28T02:00Z'"
const none = "where currency = 'EUR' and slot = '2026-02-28T01:00Z'"
const copy = (currency: string, slot: string) => `
  insert into price select '${currency}', '${slot}', amount, '${slot}'::timestamptz + interval '1 s', fetched_at,
    source, kind, derived, flagged from price ${eur}`

/** What was done, and the first day that differs. */
const tamperings: ReadonlyArray<readonly [what: string, sql: string, day: string, detail?: RegExp]> = [
  ["an amount plus 1", `update price set amount = amount + 1 ${eur}`, "2026-02-28"],
  ["an amount times 1,000", `update price set amount = amount * 1000 ${eur}`, "2026-02-28"],
  ["the last digit of an amount", `update price set amount = amount + 0.00000001 ${eur}`, "2026-02-28"],
  [
    "two amounts swapped",
    `update price set amount = case slot
      when '2026-02-28T00:00Z' then (select amount from price where currency = 'EUR' and slot = '2026-02-28T00:05Z')
      else (select amount from price where currency = 'EUR' and slot = '2026-02-28T00:00Z') end
    where currency = 'EUR' and slot in ('2026-02-28T00:00Z', '2026-02-28T00:05Z')`,
    "2026-02-28",
  ],
  ["an amount that is NaN", `update price set amount = 'NaN' ${eur}`, "2026-02-28"],
  ["all amounts plus 1", "update price set amount = amount + 1", "2026-02-27"],
  ["a source", `update price set source = 'kraken' ${eur}`, "2026-02-28"],
  ["a source that is empty", `update price set source = '' ${eur}`, "2026-02-28"],
  ["flagged", `update price set flagged = true ${eur}`, "2026-02-28"],
  ["derived", `update price set derived = true ${eur}`, "2026-02-28"],
  ["kind", `update price set kind = 'live' ${eur}`, "2026-02-28"],
  [
    "observed_at within its slot",
    `update price set observed_at = observed_at + interval '1 ms' ${eur}`,
    "2026-02-28",
  ],
  [
    "observed_at outside its slot",
    `update price set observed_at = observed_at - interval '1 h' ${eur}`,
    "2026-02-28",
  ],
  ["fetched_at", `update price set fetched_at = fetched_at + interval '1 ms' ${eur}`, "2026-02-28"],
  ["the currency of a price", `update price set currency = 'USD' ${eur}`, "2026-02-28"],
  ["the slot of a price", `update price set slot = slot + interval '1 hour' ${eur}`, "2026-02-28"],
  [
    "a price deleted",
    `delete from price ${eur}`,
    "2026-02-28",
    /^2026-02-28 has 71 prices and gaps, but its seal 2 \(closed, .*\) has 72$/,
  ],
  ["the first row deleted", "delete from price where slot = '2026-02-27T00:00Z'", "2026-02-27"],
  ["the last row deleted", "delete from price where slot = '2026-03-02T02:55Z'", "2026-03-02"],
  [
    "a day of a currency deleted",
    "delete from price where currency = 'EUR' and slot::date = '2026-02-28'",
    "2026-02-28",
  ],
  ["a whole currency deleted", "delete from price where currency = 'CZK'", "2026-02-27"],
  ["every price deleted", "delete from price", "2026-02-27"],
  [
    "everything deleted",
    "delete from price; delete from gap",
    "2026-02-27",
    /^2026-02-27 has 0 prices and gaps/,
  ],
  ["a month detached", "alter table price detach partition price_2026_03", "2026-03-01"],
  ["a gap's reason", `update gap set reason = 'not-running' ${none}`, "2026-02-28"],
  ["a gap's reason that is unknown", `update gap set reason = 'moon-phase' ${none}`, "2026-02-28"],
  ["a gap's detail", `update gap set detail = 'Nobody asked in this slot' ${none}`, "2026-02-28"],
  ["a gap's histories", `update gap set tried = '{}' ${none}`, "2026-02-28"],
  ["a gap deleted", `delete from gap ${none}`, "2026-02-28"],
  ["every gap deleted", "delete from gap", "2026-02-27"],
  ["a price in place of a gap", `delete from gap ${none}; ${copy("EUR", "2026-02-28T01:00Z")}`, "2026-02-28"],
  ["a price beside a gap", copy("EUR", "2026-02-28T01:00Z"), "2026-02-28"],
  [
    "a gap in place of a price",
    `delete from price ${eur};
    insert into gap values ('EUR', '2026-02-28T02:00Z', 'missing', '')`,
    "2026-02-28",
  ],
  ["a row before the first price of a currency", copy("CZK", "2026-02-27T00:00Z"), "2026-02-27"],
  [
    "a row of a day without rows",
    copy("EUR", "2026-02-20T00:00Z"),
    "2026-02-20",
    /^2026-02-20 has 1 price or gap and no seal$/,
  ],
  [
    "a gap of a day without rows",
    "insert into gap values ('EUR', '2026-02-20T00:00Z', 'missing', '')",
    "2026-02-20",
  ],
  ["a row in a currency that is not sampled", copy("USD", "2026-02-28T02:00Z"), "2026-02-28"],
  ["a row in a currency that does not exist", copy("XXX", "2026-02-28T02:00Z"), "2026-02-28"],
  [
    "a gap of another currency",
    "insert into gap values ('USD', '2026-02-28T02:00Z', 'missing', '')",
    "2026-02-28",
  ],
  [
    "a gap that has not begun",
    "insert into gap values ('EUR', '2098-12-23T10:05Z', 'missing', '')",
    "2098-12-23",
    /^2098-12-23 has 1 price or gap in slots that have not begun$/,
  ],
  ["the digest of a seal", "update seal set digest = repeat('0', 64) where number = 2", "2026-02-28"],
  [
    "the link of a seal",
    "update seal set link = repeat('0', 64) where number = 2",
    "2026-02-28",
    /^Seal 2 of 2026-02-28 does not follow/,
  ],
  ["the reason of a seal", "update seal set reason = 'corrected' where number = 2", "2026-02-28"],
  [
    "the time of a seal",
    "update seal set sealed_at = sealed_at + interval '1 ms' where number = 2",
    "2026-02-28",
  ],
  ["the number of lines of a seal", "update seal set lines = lines + 1 where number = 2", "2026-02-28"],
  ["the day of a seal", "update seal set day = '2026-02-20' where number = 2", "2026-02-20"],
  ["a seal deleted", "delete from seal where number = 2", "2026-02-28", /^2026-02-28 has .* and no seal$/],
  ["the newest seal deleted", "delete from seal where number = 4", "2026-03-02"],
  ["every seal deleted", "delete from seal", "2026-02-27"],
  [
    "an amount, with a seal that fits",
    `update price set amount = amount + 1 ${eur};
    insert into seal select 5, day, sealed_at, 'corrected', lines, digest, repeat('a', 64) from seal where number = 2`,
    "2026-02-28",
  ],
]

describeLayer(layer, { excludeTestServices: true })("Tampering", (it) => {
  it.effect("is seen, whatever was changed", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* (yield* PriceRepository).record(books)
      assert.strictEqual((yield* Sealing.sealDays(10)).seals.length, 4)
      yield* Constraints.drop
      const { differences, ...rest } = yield* SealVerification.verify()
      assert.deepStrictEqual(differences, [])
      assert.deepStrictEqual([rest.sealedDays, rest.unsealedDays, rest.newest?.number], [4, 0, 4])

      const tables = ["price", "gap", "seal"]
      for (const table of tables) yield* sql.unsafe(`create table saved_${table} as select * from ${table}`)
      assert.isAtLeast(tamperings.length, 34)
      for (const [what, statements, day, detail] of tamperings) {
        for (const statement of statements.split(";\n").flatMap((part) => part.split("; ")))
          yield* sql.unsafe(statement)
        const [first] = (yield* SealVerification.verify()).differences
        assert.strictEqual(first?.range.start && DateTime.formatIsoDateUtc(first.range.start), day, what)
        if (detail !== undefined) assert.match(first?.detail ?? "", detail)
        if (what === "a month detached") {
          yield* sql`alter table price attach partition price_2026_03
            for values from ('2026-03-01T00:00Z') to ('2026-04-01T00:00Z')`
        }
        for (const table of tables) {
          yield* sql.unsafe(`delete from ${table}`)
          yield* sql.unsafe(`insert into ${table} select * from saved_${table}`)
        }
      }
      assert.deepStrictEqual((yield* SealVerification.verify()).differences, [])
    }),
  )
})
