/** What `export` prints is what the seals were made from: the script of docs/seals.md recomputes them. */
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import { Gap } from "@btc-price/domain/Gap"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sealing from "@btc-price/domain/Sealing"
import { Seals } from "@btc-price/domain/Seals"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import { skipped } from "../../../adapters/test/Skipped.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"

const document = readFileSync(new URL("../../../../docs/seals.md", import.meta.url), "utf8")
const script = /```python\n(.*?)```/s.exec(document)?.[1] ?? ""

const hasPython = spawnSync("python3", ["--version"]).status === 0

/** A database with days that are sealed, one of them twice. */
const sealed = Effect.gen(function* () {
  const url = yield* TestDatabase.make
  const slots = yield* StoredPrices.lastSlots(96)
  const { open, newest } = yield* StoredPrices.within(
    url,
    Effect.gen(function* () {
      const { record } = yield* PriceRepository
      const gap = { currency: "EUR", reason: "missing", tried: ["coingecko", "bitstamp"] } as const
      yield* record({
        prices: slots
          .slice(2)
          .flatMap((slot) => [
            StoredPrices.price("EUR", slot),
            StoredPrices.price("CZK", slot),
            StoredPrices.price("JPY", slot),
          ]),
        gaps: [
          new Gap({ ...gap, slot: slots[0]!, detail: `"Two"\nlines, with ž and 💰` }),
          new Gap({ ...gap, slot: slots[1]!, detail: "" }),
        ],
      })
      const open = Sealing.openDay(yield* DateTime.now)
      yield* Sealing.sealDays(100)
      yield* record({ prices: [StoredPrices.price("EUR", slots[0]!)], gaps: [], change: "repaired" })
      yield* Sealing.sealDays(100)
      return { open, newest: (yield* (yield* Seals).newest)! }
    }).pipe(Effect.provide([PostgresSeals.layer, NodeDigest.layer])),
  )
  return { url, slots, open, newest }
})

const exported = Effect.fnUntraced(function* (url: Parameters<typeof CommandProgram.run>[0]) {
  const [seals, prices, gaps] = yield* Effect.forEach(
    [["--seals"], ["--currency", "EUR,CZK,JPY"], ["--gaps"]],
    (args) => CommandProgram.run(url, ["export", ...args]),
  )
  return { "seals.csv": seals!.stdout, "prices.csv": prices!.stdout, "gaps.csv": gaps!.stdout }
})

/** Runs the script on files with these contents. */
const recompute = (files: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), "btc-price-seals-"))
  for (const [name, text] of Object.entries({ ...files, "seals.py": script })) {
    writeFileSync(join(folder, name), text)
  }
  const ended = spawnSync("python3", ["seals.py", ...Object.keys(files)], { cwd: folder, encoding: "utf8" })
  rmSync(folder, { recursive: true })
  return `${ended.stdout}${ended.stderr}`.trim()
}

layer(Layer.empty, { excludeTestServices: true })("Seals", (it) => {
  it.effect.skipIf(skipped(!hasPython, "the script of docs/seals.md", "there is no python3"))(
    "are recomputed from the CSV by the script of the documents",
    () =>
      Effect.gen(function* () {
        const { url, slots, newest, open } = yield* sealed
        const files = yield* exported(url)
        const days = new Set(slots.slice(0, -1).map((slot) => DateTime.formatIsoDateUtc(Slot.start(slot))))
        const closed = [...days].filter((day) => day < open)
        assert.strictEqual(recompute(files), `${closed.length} days are as sealed; link ${newest.link}`)

        const second = closed[1]!
        const changed = files["prices.csv"].replace(
          `${second}T12:00:00.000Z,CZK,4`,
          `${second}T12:00:00.000Z,CZK,5`,
        )
        assert.notStrictEqual(changed, files["prices.csv"])
        assert.strictEqual(recompute({ ...files, "prices.csv": changed }), `${second} differs`)
        const gaps = files["gaps.csv"].replace(",missing,", ",not-running,")
        assert.strictEqual(recompute({ ...files, "gaps.csv": gaps }), `${closed[0]} differs`)
        const seals = files["seals.csv"].replace(",closed,", ",corrected,")
        assert.match(recompute({ ...files, "seals.csv": seals }), /^The chain differs at 1,/)
      }),
  )

  it.effect("are checked by verify, which prints the newest link and the first day that differs", () =>
    Effect.gen(function* () {
      const { url, slots, newest, open } = yield* sealed
      const sound = yield* CommandProgram.run(url, ["verify"])
      assert.match(sound.stdout, new RegExp(`; the newest seal is ${newest.number}: ${newest.link}\n`))
      assert.match(sound.stdout, / 0 differences\n$/)
      const kept = yield* CommandProgram.run(url, ["verify", "--link", newest.link])
      const other = yield* CommandProgram.run(url, ["verify", "--link", newest.digest])
      assert.deepStrictEqual([kept.code, other.code], [0, 1])
      assert.match(other.stdout, new RegExp(`^No seal has the link ${newest.digest} that was kept`))
      const slot = slots.find((slot) => DateTime.formatIso(Slot.start(slot)).endsWith("T12:00:00.000Z"))!
      const at = DateTime.toDateUtc(Slot.start(slot))
      yield* StoredPrices.within(
        url,
        Effect.flatMap(
          PgClient.PgClient,
          (sql) => sql`update price set amount = amount + 1 where slot >= ${at}`,
        ),
      )
      const ended = yield* CommandProgram.run(url, ["verify", "--json"])
      assert.strictEqual(ended.code, 1)
      const found = CommandProgram.results(ended).filter(({ reason }) => reason === "seal")
      const days = slots.map((slot) => DateTime.formatIsoDateUtc(Slot.start(slot)))
      const changed = [...new Set(days)].filter((day) => day >= at.toISOString().slice(0, 10) && day < open)
      assert.deepStrictEqual(
        found.map(({ from, currency }) => [String(from).slice(0, 10), currency]),
        changed.map((day) => [day, null]),
      )
    }),
  )

  it.effect("cannot be exported together with gaps", () =>
    Effect.gen(function* () {
      const { url } = yield* sealed
      const { code, stderr } = yield* CommandProgram.run(url, ["export", "--gaps", "--seals"])
      assert.deepStrictEqual([code, /--gaps and --seals exclude each other/.test(stderr)], [2, true])
    }),
  )
})
