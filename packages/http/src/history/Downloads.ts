/** Streams long text responses as fast as the client reads. A response is either complete or visibly broken off. */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { TooManyDownloads } from "../api/Problem.ts"
import { orProblem } from "../server/RepositoryProblem.ts"
import * as UserPermits from "../server/UserPermits.ts"

/** Maximum simultaneous downloads. Each download can keep the database busy, and other requests need it too. */
const downloadLimit = 4

/** A client that does not read the next block, about 0.5 MB, for this long is cut off. */
const stallLimit = Duration.seconds(60)

/** A download that is not complete by then is cut off. Ten years are about 123 MB, so they need 205 KB/s. */
const timeLimit = Duration.minutes(10)

export const make = Effect.gen(function* () {
  const takePermit = yield* UserPermits.make({
    name: "downloads",
    perUser: 1,
    inAll: downloadLimit,
    wait: Duration.zero,
    busy: () => new TooManyDownloads(),
  })

  /**
   * Sends the header and then the blocks of text. The first block is read before the response begins, so that an
   * unavailable database gives a problem. A later failure breaks off the connection.
   */
  return Effect.fnUntraced(function* (text: {
    readonly contentType: string
    readonly header: string
    readonly blocks: Stream.Stream<string, RepositoryError>
  }) {
    yield* takePermit
    const pull = yield* Stream.toPull(text.blocks)
    const first = yield* pull.pipe(
      Pull.catchDone(() => Effect.succeed([])),
      orProblem,
    )
    const more = yield* cutOffWhenSlow(pull)
    const rest = Stream.tapError(Stream.fromPull(Effect.succeed(more)), (error) =>
      Effect.logWarning("A download was broken off", Cause.fail(error)),
    )
    const begun = Stream.succeed(text.header + first.join(""))
    const all = first.length === 0 ? begun : Stream.concat(begun, rest)
    return HttpServerResponse.stream(Stream.encodeText(all), { contentType: text.contentType })
  })
})

/** Interrupts the sending fiber if it does not pull the next chunk within `stallLimit`, or all within `timeLimit`. */
const cutOffWhenSlow = Effect.fnUntraced(function* <A, E>(pull: Pull.Pull<A, E>) {
  const scope = yield* Effect.scope
  const sender = yield* Effect.withFiber(Effect.succeed)
  const cutOffAfter = (limit: Duration.Duration) =>
    Effect.sleep(limit).pipe(
      Effect.andThen(Effect.sync(() => sender.interruptUnsafe())),
      Effect.forkIn(scope),
    )
  yield* cutOffAfter(timeLimit)
  let alarm: Fiber.Fiber<void> | undefined
  return Effect.gen(function* () {
    alarm?.interruptUnsafe()
    const chunk = yield* pull
    alarm = yield* cutOffAfter(stallLimit)
    return chunk
  })
})
