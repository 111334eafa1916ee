import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as StoredPrices from "../StoredPrices.ts"
import * as CommandProgram from "./CommandProgram.ts"

/** Nothing listens on this port. */
const nowhere = Redacted.make("postgres://user:secret-word@127.0.0.1:1/none")

const commands = ["backfill", "repair", "verify", "import-legacy", "export", "prune", "migrate"]

const wrong = [
  [["backfil"], /Unknown subcommand/],
  [["backfill", "--to", "2023-01-01"], /Missing required flag: --from/],
  [
    ["backfill", "--from", "2023-02-31", "--to", "2024-01-01"],
    /2023-02-31 is not valid: expected a date that exists/,
  ],
  [
    ["backfill", "--from", "2023-01-01T10:00", "--to", "2024-01-01"],
    /2023-01-01T10:00 is not valid: expected an offset after the time/,
  ],
  [["backfill", "--from", "2024-01-02", "--to", "2024-01-01T12:00:00Z"], /--from .* is not before --to/],
  [
    ["backfill", "--from", "2023-01-01", "--to", "2024-01-01", "--source", "mtgox"],
    /Unknown history mtgox; available: coingecko, bitstamp/,
  ],
  [
    ["backfill", "--from", "2023-01-01", "--to", "2024-01-01", "--source", "bitstamp", "--currency", "AED"],
    /bitstamp has no prices in AED; available: coingecko$/m,
  ],
  [
    ["backfill", "--from", "2023-01-01", "--to", "2024-01-01", "--currency", "AED"],
    /No history with prices in AED reaches back to 2023-01-01T00:00:00.000Z; available: coingecko$/m,
  ],
  [["export", "--currency", "EUR,EUR"], /not a list of distinct currencies/],
  [["export", "--currency", "XXX"], /not a list of distinct currencies/],
  [["export", "--format", "xml"], /Invalid value for flag --format: "xml"/],
  [["verify", "--fast"], /Unrecognized flag/],
  [["prune"], /RETENTION_MONTHS is not set/],
] as const

describe("The commands", () => {
  it.effect("print help without any settings", () =>
    Effect.gen(function* () {
      const helps = yield* Effect.forEach(
        [[], ...commands.map((command) => [command])],
        (command) => CommandProgram.run(Redacted.make(""), [...command, "--help"]),
        { concurrency: 2 },
      )
      for (const help of helps) assert.deepStrictEqual([help.code, help.stderr], [0, ""])
      const [overview, ...each] = helps.map(({ stdout }) => stdout)
      for (const [index, help] of each.entries()) {
        assert.include(overview, ` ${commands[index]} `)
        assert.match(help, /Exits with 0 on success, with 1 if .* or it is stopped, and with 2 if/)
        assert.include(help, "--json")
        assert.match(help, new RegExp(`USAGE\n  npm run -s worker -- ${commands[index]} \\[flags\\]\n`))
      }
    }),
  )

  for (const [args, message] of wrong) {
    it.effect(`refuse ${args.join(" ")}`, () =>
      Effect.gen(function* () {
        const { code, stdout, stderr } = yield* CommandProgram.run(nowhere, args)
        assert.match(stderr, message)
        assert.deepStrictEqual([code, stdout], [2, ""])
      }),
    )
  }

  it.effect("refuse invalid settings", () =>
    Effect.gen(function* () {
      const env = { RETENTION_MONTHS: "1" }
      const { code, stdout, stderr } = yield* CommandProgram.run(nowhere, ["prune"], { env })
      assert.match(stderr, /RETENTION_MONTHS is not valid: expected a whole number of months, at least 2/)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }),
  )

  it.effect("say that the database does not respond, without its password", () =>
    Effect.gen(function* () {
      for (const args of [
        ["verify"],
        ["migrate"],
        ["repair"],
        ["backfill", "--from", "2023-01-01"],
        ["import-legacy"],
      ]) {
        const ended = yield* CommandProgram.run(nowhere, [...args, "--json"])
        const sentence =
          "Cannot connect to database none at 127.0.0.1:1 as user user: nothing listens there (connection refused)"
        assert.strictEqual(ended.stderr, `${sentence}\n`)
        assert.notInclude(ended.stderr + ended.stdout, "secret-word")
        const [summary, ...others] = CommandProgram.results(ended)
        assert.deepStrictEqual([ended.code, summary?.["type"], others], [1, "summary", []])
        assert.strictEqual(summary?.["failure"], sentence)
      }
    }),
  )

  it.effect("name the command migrate until the database is migrated", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PgClient.PgClient, (sql) =>
          Effect.andThen(sql`drop schema public cascade`, sql`create schema public`),
        ),
      )
      const refused = yield* CommandProgram.run(url, ["verify"])
      assert.match(
        refused.stderr,
        /\(relation "\w+" does not exist, SQLSTATE 42P01\): run the command migrate, or .*\n$/,
      )
      assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
      const migrated = yield* CommandProgram.run(url, ["migrate", "--json"])
      assert.deepStrictEqual([migrated.code, migrated.stdout], [0, '{"type":"summary"}\n'])
      assert.strictEqual((yield* CommandProgram.run(url, ["migrate"])).stdout, "The database is up to date\n")
      const verified = yield* CommandProgram.run(url, ["verify"])
      assert.deepStrictEqual([verified.code, verified.stdout], [0, "0 prices verified, 0 differences\n"])
    }),
  )
})
