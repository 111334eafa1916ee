import { CommandSettings } from "@btc-price/worker/command-line/CommandSettings"
import * as Outcome from "@btc-price/worker/command-line/Outcome"
import * as Report from "@btc-price/worker/command-line/Report"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { systemError } from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const settings = (format: "pretty" | "json") =>
  Layer.succeed(CommandSettings, {
    currencies: [],
    timeZone: DateTime.zoneMakeNamedUnsafe("UTC"),
    retentionMonths: undefined,
    log: { format },
  })

/** What `command` writes, and which output each piece goes to. */
const written = Effect.fnUntraced(function* (
  isTerminal: boolean,
  format: "pretty" | "json",
  command: Effect.Effect<void, unknown, CommandSettings | Stdio.Stdio>,
) {
  const pieces: Array<string> = []
  const into = (name: string) => () =>
    Sink.forEach((text: string | Uint8Array) => Effect.sync(() => void pieces.push(`${name} ${text}`)))
  const log = Logger.make(({ message }) => void pieces.push(`log ${message}`))
  yield* command.pipe(
    Effect.provide(
      Layer.mergeAll(
        Logger.layer([log]),
        settings(format),
        Stdio.layerTest({
          stdout: into("out"),
          stderr: into("err"),
          stderrIsTerminal: Effect.succeed(isTerminal),
        }),
      ),
    ),
  )
  return pieces
})

const work = (isJson: boolean) =>
  Effect.gen(function* () {
    const report = yield* Report.make(isJson)
    yield* report.progress("one")
    yield* TestClock.adjust("3 seconds")
    yield* report.progress("two")
    yield* report.result({ type: "summary", count: 2 }, "two in all")
    yield* TestClock.adjust("3 seconds")
    yield* report.progress("three")
    yield* report.progress("four")
  })

const failing = (code: string) =>
  Report.print(Stream.make("line\n")).pipe(
    Effect.provide(
      Stdio.layerTest({
        stdout: () =>
          Sink.fail(systemError({ module: "Stdio", method: "stdout", _tag: "Unknown", cause: { code } })),
      }),
    ),
    Effect.exit,
  )

/** What a command writes that ends like this after one call; it is interrupted if it does not end. */
const summaryOf = (
  end: (printed: Effect.Effect<void, Outcome.Incomplete>) => Effect.Effect<void, Outcome.Incomplete>,
  isJson = true,
) => {
  const facts = { calls: 0 }
  const command = Report.summarize(isJson, facts, ({ summary }) =>
    Effect.suspend(() => {
      facts.calls++
      return end(summary("one call"))
    }),
  )
  return written(
    false,
    "pretty",
    Effect.flatMap(Effect.forkChild(command), (fiber) =>
      Effect.andThen(TestClock.adjust("1 second"), Fiber.interrupt(fiber)),
    ),
  )
}

describe("Report", () => {
  it.effect("rewrites a line on a terminal, and clears it for results", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* written(true, "pretty", work(false)), [
        "err \r\u001B[Kone",
        "err \r\u001B[Ktwo",
        "err \r\u001B[K",
        "out two in all\n",
        "err \r\u001B[Kthree",
        "err \r\u001B[Kfour",
      ])
    }),
  )

  it.effect("logs without a terminal and if the log is JSON, at a limited rate", () =>
    Effect.gen(function* () {
      for (const [isTerminal, format] of [
        [false, "pretty"],
        [true, "json"],
      ] as const) {
        assert.deepStrictEqual(yield* written(isTerminal, format, work(true)), [
          'out {"type":"summary","count":2}\n',
          "log three",
        ])
      }
    }),
  )

  it.effect("prints the summary as JSON once, however the command ends", () =>
    Effect.gen(function* () {
      const incomplete = new Outcome.Incomplete({ message: "3 slots have no price" })
      assert.deepStrictEqual(yield* summaryOf((printed) => printed), ['out {"type":"summary","calls":1}\n'])
      assert.deepStrictEqual(yield* summaryOf(() => Effect.fail(incomplete)), [
        'out {"type":"summary","calls":1,"failure":"3 slots have no price"}\n',
      ])
      assert.deepStrictEqual(
        yield* summaryOf((printed) => Effect.andThen(printed, Effect.fail(incomplete))),
        ['out {"type":"summary","calls":1}\n'],
      )
      assert.deepStrictEqual(yield* summaryOf(() => Effect.never), [
        'out {"type":"summary","calls":1,"failure":"stopped"}\n',
      ])
      assert.deepStrictEqual(yield* summaryOf(() => Effect.fail(incomplete), false), [])
    }),
  )

  it.effect("ends well if the reader closes the pipe, and fails if the disk is full", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* failing("EPIPE")))
      assert.isTrue(Exit.isFailure(yield* failing("ENOSPC")))
    }),
  )
})
