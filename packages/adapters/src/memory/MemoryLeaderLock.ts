/** SingleWriter within one process, for tests and trials: whoever shares the layer shares the pen. */
import { SingleWriter } from "@btc-price/domain/SingleWriter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"

export const layer: Layer.Layer<SingleWriter> = Layer.effect(
  SingleWriter,
  Effect.gen(function* () {
    const pen = yield* Semaphore.make(1)
    return SingleWriter.of({ hold: Semaphore.withPermits(pen, 1) })
  }),
)
