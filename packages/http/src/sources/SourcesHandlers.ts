/** Answers the state of each price source from the source ledger. */
import * as MonthlyCalls from "@btc-price/domain/MonthlyCalls"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { orProblem } from "../server/RepositoryProblem.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "sources",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* SourceLedger
    return handlers.handle(
      "list",
      Effect.fnUntraced(function* () {
        const now = yield* DateTime.now
        const states = yield* ledger.states(now).pipe(orProblem)
        return {
          request_time: now,
          data_time: NewestDataTime.among(
            states.flatMap(({ lastSuccessAt, lastFailure }) => [lastSuccessAt, lastFailure?.at ?? null]),
          ),
          month: DateTime.formatIsoDateUtc(now).slice(0, 7),
          sources: states.map((state) => ({
            source: state.source,
            breaker: state.breaker,
            last_success_at: state.lastSuccessAt,
            last_failure: state.lastFailure,
            calls: state.calls,
            cap: state.cap,
            remaining: state.cap === null ? null : Math.max(0, state.cap - state.calls),
            forecast: MonthlyCalls.forecast(state, now),
          })),
        }
      }),
    )
  }),
)
