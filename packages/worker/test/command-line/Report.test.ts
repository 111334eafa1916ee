import * as Report from "@btc-price/worker/command-line/Report"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { systemError } from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

/** What `body` writes, and which output each piece goes to. */
const written = Effect.fnUntraced(function* (
  isTerminal: boolean,
  isJson: boolean,
  body: (report: Report.Report) => Effect.Effect<void, unknown>,
) {
  const pieces: Array<string> = []
  const into = (name: string) => () =>
    Sink.forEach((text: string | Uint8Array) => Effect.sync(() => void pieces.push(`${name} ${text}`)))
  const log = Logger.make(({ message }) => void pieces.push(`log ${message}`))
  yield* Effect.flatMap(Report.make(isJson), body).pipe(
    Effect.provide(
      Layer.merge(
        Logger.layer([log]),
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

const work = (report: Report.Report) =>
  Effect.gen(function* () {
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

describe("Report", () => {
  it.effect("rewrites a line on a terminal, and clears it for results", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* written(true, false, work), [
        "err \r\u001B[Kone",
        "err \r\u001B[Ktwo",
        "err \r\u001B[K",
        "out two in all\n",
        "err \r\u001B[Kthree",
        "err \r\u001B[Kfour",
      ])
    }),
  )

  it.effect("logs without a terminal, at a limited rate", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* written(false, true, work), [
        'out {"type":"summary","count":2}\n',
        "log three",
      ])
    }),
  )

  it.effect("ends well if the reader closes the pipe, and fails if the disk is full", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* failing("EPIPE")))
      assert.isTrue(Exit.isFailure(yield* failing("ENOSPC")))
    }),
  )
})
