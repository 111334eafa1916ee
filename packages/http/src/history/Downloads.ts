/** Streams long text responses as fast as the client reads. A response is either complete or visibly broken off. */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pull from "effect/Pull"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { TooManyDownloads } from "../api/Problem.ts"
import { orProblem } from "../server/RepositoryProblem.ts"

/** Maximum simultaneous downloads. Each download can keep the database busy, and other requests need it too. */
const downloadLimit = 4

/** A client that reads nothing for this long is cut off. */
const stallLimit = Duration.seconds(60)

export const make = Effect.gen(function* () {
  const permits = yield* Semaphore.make(downloadLimit)

  /**
   * Sends the header and then the blocks of text. The first block is read before the response begins, so that an
   * unavailable database gives a problem. A later failure breaks off the connection.
   */
  return Effect.fnUntraced(function* (text: {
    readonly contentType: string
    readonly header: string
    readonly blocks: Stream.Stream<string, RepositoryError>
  }) {
    const isPermitted = yield* Effect.acquireRelease(permits.takeIfAvailable(1), (isTaken) =>
      isTaken ? permits.release(1) : Effect.void,
    )
    if (!isPermitted) return yield* new TooManyDownloads()
    const pull = yield* Stream.toPull(text.blocks)
    const first = yield* pull.pipe(
      Pull.catchDone(() => Effect.succeed([])),
      orProblem,
    )
    const more = yield* cutOffWhenStalled(pull)
    const rest = Stream.tapError(Stream.fromPull(Effect.succeed(more)), (error) =>
      Effect.logWarning("A download was broken off", Cause.fail(error)),
    )
    const begun = Stream.succeed(text.header + first.join(""))
    const all = first.length === 0 ? begun : Stream.concat(begun, rest)
    return HttpServerResponse.stream(Stream.encodeText(all), { contentType: text.contentType })
  })
})

/** Interrupts the sending fiber if it does not pull the next chunk within `stallLimit`. */
const cutOffWhenStalled = Effect.fnUntraced(function* <A, E>(pull: Pull.Pull<A, E>) {
  const scope = yield* Effect.scope
  const sender = yield* Effect.withFiber(Effect.succeed)
  let alarm: Fiber.Fiber<void> | undefined
  return Effect.gen(function* () {
    alarm?.interruptUnsafe()
    const chunk = yield* pull
    alarm = yield* Effect.sleep(stallLimit).pipe(
      Effect.andThen(Effect.sync(() => sender.interruptUnsafe())),
      Effect.forkIn(scope),
    )
    return chunk
  })
})
