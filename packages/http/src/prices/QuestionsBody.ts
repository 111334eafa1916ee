/** Reads and checks all questions of `POST /v1/prices/at`, and reports each error with its field. */
import type { Currency } from "@btc-price/domain/Currency"
import { parseInstant } from "@btc-price/domain/Iso8601"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import { defaultMaximumDistance, expectedInstant } from "../api/Parameters.ts"
import { Questions } from "../api/Prices.ts"
import * as FieldError from "../server/FieldError.ts"
import * as JsonBody from "../server/JsonBody.ts"
import { currencyError } from "../server/ParameterChecks.ts"

/** Maximum size of the body in bytes. A thousand questions take about a hundred bytes each. */
const bodyLimitBytes = 262_144

export interface Question {
  readonly currency: Currency
  readonly time: DateTime.Utc
  readonly maximumDistanceSeconds: number
}

export const read = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  options: { readonly currencies: ReadonlyArray<Currency>; readonly now: DateTime.Utc },
) {
  const { questions } = yield* JsonBody.decode(Questions, request, {
    limitBytes: bodyLimitBytes,
    form: '{"questions": [{"id": "…", "currency": "…", "time": "…"}]}',
  })
  const errors: Array<FieldError.FieldError> = []
  const ids = new Set<string>()
  const read = questions.flatMap(({ id, currency: code, time, max_distance }, index) => {
    const reject = (field: string, message: string) =>
      void errors.push({ field: `questions.${index}.${field}`, message })
    const currency = options.currencies.find((known) => known === code)
    const instant = Option.getOrUndefined(parseInstant(time))
    if (ids.has(id)) reject("id", "expected an id that no other question has")
    ids.add(id)
    if (currency === undefined) {
      errors.push(currencyError(`questions.${index}.currency`, options.currencies))
    }
    if (instant === undefined) reject("time", `expected ${expectedInstant}`)
    else if (DateTime.isGreaterThan(instant, options.now)) {
      reject("time", "expected a time that is not in the future")
    }
    if (currency === undefined || instant === undefined) return []
    const maximumDistanceSeconds = max_distance ?? defaultMaximumDistance
    return [{ id, currency, time: instant, maximumDistanceSeconds } satisfies Question & { id: string }]
  })
  yield* FieldError.refuse(errors)
  return read
})
