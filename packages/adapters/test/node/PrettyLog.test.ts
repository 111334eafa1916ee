import * as PrettyLog from "@btc-price/adapters/node/PrettyLog"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

/** What the events of `program` are written as. */
const logged = (program: Effect.Effect<void>, isColored = false) => {
  const lines: Array<string> = []
  const logger = Logger.map(PrettyLog.format({ isColored }), (line) => void lines.push(line))
  return Effect.as(Effect.provide(program, Logger.layer([logger])), lines)
}

describe("PrettyLog", () => {
  it.effect("writes an event as one line, without the number of its fiber", () =>
    Effect.gen(function* () {
      const event = Effect.logInfo("Sampled a price").pipe(
        Effect.annotateLogs({ currency: "EUR", amount: "41946.24", note: "two words", detail: { EUR: "x" } }),
      )
      assert.deepStrictEqual(yield* logged(event), [
        '00:00:00Z INFO  Sampled a price currency=EUR amount=41946.24 note="two words"',
      ])
      const [colored] = yield* logged(event, true)
      assert.include(colored, "\u001B[90m00:00:00Z\u001B[39m \u001B[32mINFO \u001B[39m Sampled a price")
    }),
  )

  it.effect("writes what failed in a few words, and the stack only of a defect", () =>
    Effect.gen(function* () {
      const failure = new Error("the database does not answer", { cause: new Error("x".repeat(1_000)) })
      assert.deepStrictEqual(
        yield* logged(
          Effect.andThen(
            Effect.logWarning("The worker failed", Cause.fail(failure)),
            Effect.logWarning("Could not repair gaps", failure),
          ),
        ),
        [
          "00:00:00Z WARN  The worker failed: the database does not answer",
          "00:00:00Z WARN  Could not repair gaps: the database does not answer",
        ],
      )
      const [defect] = yield* logged(Effect.logError("A request failed", Cause.die(new Error("a bug"))))
      assert.match(defect ?? "", /^00:00:00Z ERROR A request failed \n.*a bug\n +at /)
    }),
  )

  it.effect("cuts long texts off, and lets no control character through to the terminal", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(
        Effect.annotateLogs(Effect.logInfo("two\nlines\u001B[2J"), { detail: `${"y".repeat(400)}\u0007` }),
      )
      assert.strictEqual(line, `00:00:00Z INFO  two lines [2J detail=${"y".repeat(300)}…`)
    }),
  )
})
