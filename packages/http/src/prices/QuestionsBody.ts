/** Reads and checks all questions of `POST /v1/prices/at`, and reports each error with its field. */
import type { Currency } from "@btc-price/domain/Currency"
import { parseInstant } from "@btc-price/domain/Iso8601"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { defaultMaximumDistance } from "../api/Parameters.ts"
import { Questions } from "../api/Prices.ts"
import * as ClockSkew from "../server/ClockSkew.ts"
import type { FieldError } from "../server/FieldError.ts"
import * as JsonBody from "../server/JsonBody.ts"
import { expectedCurrency } from "../server/ParameterChecks.ts"

/** Maximum size of the body in bytes. A thousand questions take about a hundred bytes each. */
const bodyLimitBytes = 262_144

export interface Question {
  readonly currency: Currency
  readonly time: DateTime.Utc
  readonly maximumDistanceSeconds: number
}

interface Options {
  readonly currencies: ReadonlyArray<Currency>
  readonly now: DateTime.Utc
}

export const read = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  options: Options,
) {
  const { questions } = yield* JsonBody.decode(Questions, request, {
    limitBytes: bodyLimitBytes,
    form: '{"questions": [{"id": "…", "currency": "…", "time": "…"}]}',
    check: errorsIn(options),
  })
  return questions.map(
    ({ id, max_distance: maximumDistanceSeconds = defaultMaximumDistance, ...question }) => ({
      id,
      maximumDistanceSeconds,
      currency: Result.getOrThrow(readCurrency(question.currency, options)),
      time: Result.getOrThrow(readTime(question.time, options)),
    }),
  )
})

/** What is wrong with values of the right type. The schema finds wrong types, so both list all errors together. */
const errorsIn = (options: Options) => (body: unknown) => {
  const ids = new Set<unknown>()
  return questionsIn(body).flatMap(({ id, currency, time }, index) => {
    const isRepeated = id !== undefined && ids.has(id)
    ids.add(id)
    const messages = {
      id: isRepeated ? "expected an id that no other question has" : undefined,
      currency: typeof currency === "string" ? failureOf(readCurrency(currency, options)) : undefined,
      time: typeof time === "string" ? failureOf(readTime(time, options)) : undefined,
    }
    return Object.entries(messages).flatMap(([name, message]): ReadonlyArray<FieldError> =>
      message === undefined ? [] : [{ field: `questions.${index}.${name}`, message }],
    )
  })
}

const failureOf = (read: Result.Result<unknown, string>): string | undefined =>
  Result.isFailure(read) ? read.failure : undefined

const questionsIn = (body: unknown): ReadonlyArray<{ readonly [name: string]: unknown }> =>
  Predicate.hasProperty(body, "questions") && Array.isArray(body.questions)
    ? body.questions.map((question: unknown) => (Predicate.isObject(question) ? { ...question } : {}))
    : []

const readCurrency = (code: string, { currencies }: Options): Result.Result<Currency, string> =>
  Result.fromNullishOr(
    currencies.find((currency) => currency === code.toUpperCase()),
    () => expectedCurrency(currencies),
  )

const readTime = (text: string, { now }: Options): Result.Result<DateTime.Utc, string> =>
  parseInstant(text).pipe(
    Result.mapError((form) => `expected ${form}`),
    Result.flatMap((time) => Result.fromNullishOr(ClockSkew.toPast(time, now), () => ClockSkew.message)),
  )
