import { Gap } from "@btc-price/domain/Gap"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"
import * as VendorServer from "../VendorServer.ts"

const iso = (slot: Slot.Slot): string => DateTime.formatIso(Slot.start(slot))

const history = (currency: "EUR" | "CZK") =>
  Effect.flatMap(PriceRepository, ({ prices }) =>
    Stream.runCollect(
      prices(currency, { start: DateTime.makeUnsafe(0), end: DateTime.makeUnsafe("2100-01-01T00:00:00Z") }),
    ),
  )

layer(Layer.empty, { excludeTestServices: true })("The command backfill", (it) => {
  it.effect("stores a past range in each currency, and requests nothing twice", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env, calls } = yield* VendorServer.make
      const args = ["backfill", "--from", "2023-03-25", "--to", "2023-03-30T12:00:00+02:00", "--json"]
      const options = { env: { ...env, TIME_ZONE: "Europe/Prague" } }
      const first = yield* CommandProgram.run(url, args, options)
      assert.deepStrictEqual([first.code, first.stdout.split("\n").length], [0, 2], first.stderr)
      const hours = 5 * 24 + 12 - 1
      assert.deepStrictEqual(CommandProgram.results(first), [
        { type: "summary", source: "bitstamp", calls: 4, offered: hours * 12 * 2, left: 0 },
      ])
      const asked = calls.length
      const [summary] = CommandProgram.results(yield* CommandProgram.run(url, args, options))
      assert.deepStrictEqual([summary?.["calls"], summary?.["offered"], calls.length], [0, 0, asked])

      const [eur, czk] = yield* StoredPrices.within(url, Effect.all([history("EUR"), history("CZK")]))
      assert.deepStrictEqual([eur.length, czk.length], [hours * 12, hours * 12])
      assert.strictEqual(
        iso(eur[0]!.slot),
        "2023-03-24T23:00:00.000Z",
        "the first instant of the day in Prague",
      )
      assert.strictEqual(iso(eur.at(-1)!.slot), "2023-03-30T09:55:00.000Z")
      const euros = BigDecimal.fromStringUnsafe(VendorServer.priceAt(eur[0]!.slot / 1000))
      assert.isTrue(BigDecimal.equals(eur[0]!.amount, euros))
      const rate = BigDecimal.fromStringUnsafe(VendorServer.fixing)
      assert.isTrue(BigDecimal.equals(czk[0]!.amount, BigDecimal.multiply(euros, rate)))
    }),
  )

  it.effect("reports a failure of the history, and continues from there in the next run", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const vendors = yield* VendorServer.make
      const args = ["backfill", "--from", "2023-03-01", "--to", "2023-03-02", "--currency", "eur"]
      vendors.setStatus(503)
      const failed = yield* CommandProgram.run(url, args, vendors)
      assert.match(
        failed.stderr,
        /bitstamp failed after \d+ calls \(upstream-fault: .*Run the same command again to continue/,
      )
      assert.deepStrictEqual([failed.code, failed.stdout], [1, ""])
      vendors.setStatus(200)
      const done = yield* CommandProgram.run(url, args, vendors)
      assert.deepStrictEqual(
        [done.code, done.stdout],
        [0, "288 prices from bitstamp with 1 calls; 0 slots have no price\n"],
      )
    }),
  )

  it.effect("says that the history of CoinGecko's plan has ended", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env } = yield* VendorServer.make
      const source = new URL(env.COINGECKO_BASE_URL).host
      const args = ["backfill", "--from", "2023-03-01", "--to", "2023-03-02", "--source", source]
      const options = {
        env: { ...env, COINGECKO_PLAN: "demo", COINGECKO_API_KEY: "CG-0123456789abcdefghijklmn" },
      }
      const failed = yield* CommandProgram.run(url, [...args, "--currency", "eur"], options)
      assert.strictEqual(failed.code, 1)
      assert.match(
        failed.stderr,
        /failed after 0 calls \(refused: CoinGecko answered 401: The history of the plan ends there\. .* 365 days.*\)\. The same command would be refused again; choose a later --from or another --source/,
      )
    }),
  )

  it.effect("is incomplete if the history lacks a slot", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env, withoutBars } = yield* VendorServer.make
      withoutBars.add(Date.UTC(2023, 2, 1, 12) / 1000)
      const args = ["backfill", "--from", "2023-03-01", "--to", "2023-03-02", "--currency", "eur"]
      const ended = yield* CommandProgram.run(url, args, { env })
      assert.deepStrictEqual(
        [ended.code, ended.stdout],
        [1, "287 prices from bitstamp with 1 calls; 1 slots have no price\n"],
      )
      assert.match(ended.stderr, /bitstamp has no price for 1 slots; another --source may have one/)
    }),
  )

  it.effect("uses the selected history", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env, calls } = yield* VendorServer.make
      const slots = yield* StoredPrices.lastSlots(2)
      const range = ["--from", iso(slots[0]!), "--to", iso(slots[11]!)]
      yield* CommandProgram.run(url, ["backfill", ...range, "--currency", "EUR"], { env })
      assert.match(calls.join(), /^\/coingecko[^,]*$/, "the first history that reaches back")
      const told = ["backfill", ...range, "--currency", "CZK", "--source", "bitstamp"]
      const { stdout } = yield* CommandProgram.run(url, told, { env })
      assert.match(stdout, /^11 prices from bitstamp/)
    }),
  )

  it.effect("leaves no slot unaccounted for up to the existing prices", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env } = yield* VendorServer.make
      const slots = yield* StoredPrices.lastSlots(60)
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PriceRepository, ({ record }) =>
          record({
            prices: [StoredPrices.price("EUR", slots.at(-1)!), StoredPrices.price("CZK", slots.at(-1)!)],
            gaps: [],
          }),
        ),
      )
      const { code } = yield* CommandProgram.run(
        url,
        ["backfill", "--from", iso(slots[0]!), "--to", iso(slots[12]!)],
        { env },
      )
      assert.strictEqual(code, 0)
      const verified = yield* CommandProgram.run(url, ["verify"], { env })
      assert.match(verified.stdout, /^26 prices verified, 0 differences/m)
    }),
  )
})

layer(Layer.empty, { excludeTestServices: true })("The command repair", (it) => {
  it.effect("repairs stored gaps and unsampled slots, and reports what is left", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env, calls } = yield* VendorServer.make
      const slots = yield* StoredPrices.lastSlots(50)
      const there = [...slots.slice(0, 20), ...slots.slice(40, -40), ...slots.slice(-20)]
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PriceRepository, ({ record }) =>
          record({
            prices: there.map((slot) => StoredPrices.price("EUR", slot)),
            gaps: [
              new Gap({ currency: "EUR", slot: slots[30]!, reason: "timed-out", detail: "Test", tried: [] }),
            ],
          }),
        ),
      )
      const ended = yield* CommandProgram.run(url, ["repair", "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const results = CommandProgram.results(ended)
      const [recent, old, summary] = results
      assert.deepInclude(old, {
        type: "call",
        source: "bitstamp",
        from: iso(slots[20]!),
        to: iso(slots[40]!),
      })
      assert.deepInclude(old, { currency: "EUR", gaps: 20, repaired: 20, failure: null })
      assert.deepInclude(recent, { type: "call", from: iso(slots.at(-40)!), to: iso(slots.at(-20)!) })
      assert.deepInclude(recent, { currency: "EUR", gaps: 20, repaired: 20, failure: null })
      assert.deepStrictEqual(summary, {
        type: "summary",
        found: 39,
        calls: 2,
        repaired: 40,
        failures: 0,
        left: 0,
      })
      assert.lengthOf(calls, 2)
    }),
  )

  it.effect("is incomplete if a slot is left", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const { env, withoutBars } = yield* VendorServer.make
      const slots = yield* StoredPrices.lastSlots(50)
      withoutBars.add(slots[2]! / 1000)
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PriceRepository, ({ record }) =>
          record({
            prices: [slots[0]!, ...slots.slice(3)].map((slot) => StoredPrices.price("EUR", slot)),
            gaps: [],
          }),
        ),
      )
      const ended = yield* CommandProgram.run(url, ["repair", "--json"], { env })
      assert.deepInclude(CommandProgram.results(ended).at(-1), { repaired: 1, failures: 0, left: 1 })
      assert.match(ended.stderr, /1 slots have no price/)
      assert.strictEqual(ended.code, 1)
    }),
  )

  it.effect("is incomplete if a history fails", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const vendors = yield* VendorServer.make
      vendors.setStatus(429)
      const slots = yield* StoredPrices.lastSlots(50)
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PriceRepository, ({ record }) =>
          record({
            prices: [slots[0]!, ...slots.slice(5)].map((slot) => StoredPrices.price("EUR", slot)),
            gaps: [],
          }),
        ),
      )
      const ended = yield* CommandProgram.run(url, ["repair"], vendors)
      assert.match(ended.stdout, /none of 4 gaps repaired, bitstamp failed \(rate-limited/)
      assert.match(
        ended.stdout,
        /0 gaps repaired with 1 calls, 4 are left; 4 slots had not been tried before/,
      )
      assert.match(ended.stderr, /run the same command again to continue/)
      assert.strictEqual(ended.code, 1)
    }),
  )
})
