/** Answers what the price was at a given time, or why there is no price. Takes one question or many. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { defaultMaximumDistance } from "../api/Parameters.ts"
import { NoPriceAt } from "../api/Problem.ts"
import type { Miss } from "../api/ResponseFields.ts"
import * as ClockSkew from "../server/ClockSkew.ts"
import * as FieldError from "../server/FieldError.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { distanceMillis, toPriceAt } from "../server/PriceBodies.ts"
import { orProblem } from "../server/RepositoryProblem.ts"
import * as QuestionsBody from "./QuestionsBody.ts"

export const make = Effect.fnUntraced(function* (options: { readonly currencies: ReadonlyArray<Currency> }) {
  const repository = yield* PriceRepository

  /** Answers each question, in the same order, with a price that is close enough or with the reason. */
  const ask = Effect.fnUntraced(function* (questions: ReadonlyArray<QuestionsBody.Question>) {
    const prices = yield* repository
      .at(questions.map(({ currency, time }) => ({ currency, slot: Slot.at(time) })))
      .pipe(orProblem)
    return questions.map((question, index) => answerTo(question, prices[index] ?? null))
  })

  return {
    at: Effect.fnUntraced(function* (request: {
      readonly params: { readonly currency: Currency }
      readonly query: { readonly time: DateTime.Utc; readonly max_distance?: number }
    }) {
      const now = yield* DateTime.now
      const { max_distance: maximumDistanceSeconds = defaultMaximumDistance } = request.query
      const time = ClockSkew.toPast(request.query.time, now)
      if (time === undefined) {
        return yield* FieldError.toProblem([{ field: "time", message: ClockSkew.message }])
      }
      const question = { currency: request.params.currency, time, maximumDistanceSeconds }
      const [{ price, miss } = noPrice] = yield* ask([question])
      if (price === null) {
        return yield* new NoPriceAt({
          request_time: now,
          data_time: null,
          currency: question.currency,
          time,
          max_distance_seconds: maximumDistanceSeconds,
          ...miss,
        })
      }
      return {
        request_time: now,
        data_time: price.observedAt,
        time,
        price: toPriceAt(price, time),
      }
    }),

    atMany: Effect.fnUntraced(function* ({
      request,
    }: {
      readonly request: HttpServerRequest.HttpServerRequest
    }) {
      const now = yield* DateTime.now
      const questions = yield* QuestionsBody.read(request, { ...options, now })
      const answers = yield* ask(questions)
      return {
        request_time: now,
        data_time: NewestDataTime.ofPrices(answers.map(({ price }) => price)),
        answers: questions.map(({ id, currency, time }, index) => {
          const { price, miss } = answers[index] ?? noPrice
          return { id, currency, time, price: price === null ? null : toPriceAt(price, time), miss }
        }),
      }
    }),
  }
})

type Answer =
  | { readonly price: Price; readonly miss: null }
  | { readonly price: null; readonly miss: typeof Miss.Type }

const noPrice: Answer = { price: null, miss: { reason: "none-before", nearest: null } }

const answerTo = ({ time, maximumDistanceSeconds }: QuestionsBody.Question, price: Price | null): Answer => {
  if (price === null) return noPrice
  const distance = distanceMillis(price, time)
  if (distance <= maximumDistanceSeconds * 1000) return { price, miss: null }
  const nearest = { slot: Slot.start(price.slot), distance_seconds: Math.ceil(distance / 1000) }
  return { price: null, miss: { reason: "too-far", nearest } }
}
