/** A real process ends with the same exit code and output as the command line inside a test. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestDatabase from "../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "./command-line/CommandProgram.ts"

layer(Layer.empty, { excludeTestServices: true })("The worker's process", (it) => {
  it.effect("prints help, succeeds and fails like the command line inside a test", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const nowhere = Redacted.make("postgres://user:secret-word@127.0.0.1:1/none")
      for (const [database, args, code] of [
        [Redacted.make(""), ["backfill", "--help"], 0],
        [url, ["migrate", "--json"], 0],
        [nowhere, ["export", "--format", "xml"], 2],
      ] as const) {
        const process = yield* CommandProgram.runProcess(database, args)
        assert.deepStrictEqual(process, yield* CommandProgram.run(database, args))
        assert.strictEqual(process.code, code)
      }
    }),
  )
})
