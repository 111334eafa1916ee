/** Answers past samples and candles in the format that the client accepts. */
import * as Period from "@btc-price/domain/Period"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import { Caller } from "../api/Authorization.ts"
import { streamTypes } from "../api/History.ts"
import { pageLimit } from "../api/Parameters.ts"
import { InvalidRequest, NotAcceptable } from "../api/Problem.ts"
import * as FieldError from "../server/FieldError.ts"
import * as Negotiation from "../server/Negotiation.ts"
import * as RequestedRange from "../server/RequestedRange.ts"
import { RequestLimits } from "../server/RequestLimits.ts"
import * as Downloads from "./Downloads.ts"
import * as HistoryCursor from "./HistoryCursor.ts"
import * as HistoryLines from "./HistoryLines.ts"
import * as HistoryPages from "./HistoryPages.ts"
import type { HistoryQuery } from "./HistoryQuery.ts"

const offered = ["application/json", ...streamTypes] as const

const lineFormats = { "text/csv": "csv", "application/x-ndjson": "ndjson" } as const

export const layer = (options: { readonly timeZone: DateTime.TimeZone.Named }) =>
  HttpApiBuilder.group(
    Api,
    "history",
    Effect.fnUntraced(function* (handlers) {
      const readPage = yield* HistoryPages.make
      const lines = yield* HistoryLines.make
      const download = yield* Downloads.make
      const limits = yield* RequestLimits
      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ params: { currency }, query, request }) {
          const form = Negotiation.choose(request.headers["accept"], offered)
          if (form === undefined) return yield* new NotAcceptable({ offered })
          const now = yield* DateTime.now
          const { interval = "5m", tz: timeZone = options.timeZone, limit = pageLimit } = query
          const longest = RequestedRange.tenYears
          const { range, errors } = RequestedRange.read(query, { now, timeZone, longest })
          yield* FieldError.refuse(form === "application/json" ? errors : [...errors, ...pageErrors(query)])
          const historyQuery: HistoryQuery = { currency, interval, timeZone, now, range }
          if (form !== "application/json") {
            yield* limits.forSlots(yield* Caller, Period.expectedSlots(range, now))
            const text = lines(historyQuery, lineFormats[form])
            return yield* download({ ...text, contentType: `${form}; charset=utf-8` })
          }
          const start =
            query.cursor === undefined ? range.start : HistoryCursor.decode(historyQuery, query.cursor)
          if (start === undefined || !Period.contains(range, start)) {
            return yield* new InvalidRequest({ errors: [foreignCursor] })
          }
          return yield* readPage({ ...historyQuery, range: { ...range, start }, limit })
        }),
      )
    }),
  )

/** Parameters that only JSON pages take. */
const pageErrors = (query: {
  readonly limit?: number
  readonly cursor?: string
}): ReadonlyArray<FieldError.FieldError> =>
  (["limit", "cursor"] as const)
    .filter((field) => query[field] !== undefined)
    .map((field) => ({
      field,
      message: "expected only with application/json: other formats return all rows",
    }))

const foreignCursor: FieldError.FieldError = {
  field: "cursor",
  message: "expected the next_cursor of a response to the same query",
}
