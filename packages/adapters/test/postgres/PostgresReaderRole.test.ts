/** The rights of the API's role are exactly those that the API needs; main.test.ts of http runs the API with them. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ReaderRole from "./ReaderRole.ts"
import * as TestDatabase from "./TestDatabase.ts"

const build = (url: Redacted.Redacted) =>
  Layer.build(PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))))

const rights = ["select", "insert", "update", "delete", "truncate", "references", "trigger"]

describe("The reader's role", () => {
  it.live("may read what the API answers and store signing keys, and nothing else", () =>
    Effect.gen(function* () {
      const role = yield* ReaderRole.make
      const url = yield* TestDatabase.make
      const owner = yield* build(url)
      const { prepare } = Context.get(owner, PriceRepository)
      // Twice, as after an upgrade.
      yield* prepare(DateTime.makeUnsafe("2026-03-01T00:00:00Z"), { readerRole: role.name })
      yield* prepare(DateTime.makeUnsafe("2026-03-01T00:00:00Z"), { readerRole: role.name })

      const sql = Context.get(yield* build(role.urlOf(url)), PgClient.PgClient)
      const granted = yield* sql<{ table: string; rights: string }>`
        select relname as table, string_agg(name, ',' order by ordinality) as rights
        from pg_class cross join unnest(${rights}::text[]) with ordinality as named (name, ordinality)
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
          and has_table_privilege(pg_class.oid, name)
        group by relname order by relname`
      assert.deepStrictEqual(Object.fromEntries(granted.map(({ table, rights }) => [table, rights])), {
        day_tally: "select",
        gap: "select",
        price: "select",
        schema_info: "select",
        seal: "select",
        signing_keys: "select,insert,update",
        source_calls: "select",
        source_outcome: "select",
      })
      for (const statement of [
        "delete from price",
        "insert into gap (currency, slot, reason, detail) values ('EUR', '2026-03-01Z', 'missing', '')",
        "update source_outcome set breaker = 'open'",
        "delete from signing_keys",
        "truncate seal",
        "select from migration",
        "select from unsealed_day",
        "drop table price",
        "alter table price add column mine text",
        "create table mine ()",
      ]) {
        const { reason } = yield* Effect.flip(sql.unsafe(statement)).pipe(
          Effect.mapError(() => `allowed: ${statement}`),
        )
        assert.strictEqual(reason._tag, "AuthorizationError", statement)
      }
    }),
  )

  it.live("must exist", () =>
    Effect.gen(function* () {
      const { prepare } = Context.get(yield* build(yield* TestDatabase.make), PriceRepository)
      const { message } = yield* Effect.flip(prepare(DateTime.makeUnsafe(0), { readerRole: `no "body"` }))
      assert.include(message, 'role "no "body"" does not exist (SQLSTATE 42704)')
    }),
  )
})
