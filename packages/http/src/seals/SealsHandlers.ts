/** Answers the seals of days. */
import { Seals } from "@btc-price/domain/Seals"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import * as FieldError from "../server/FieldError.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { orProblem } from "../server/RepositoryProblem.ts"
import * as RequestedRange from "../server/RequestedRange.ts"

/** Maximum seals of one answer. */
const sealLimit = 10_000

const utc = DateTime.zoneMakeNamedUnsafe("UTC")

export const layer = HttpApiBuilder.group(
  Api,
  "seals",
  Effect.fnUntraced(function* (handlers) {
    const seals = yield* Seals
    return handlers.handle(
      "list",
      Effect.fnUntraced(function* ({ query }) {
        const now = yield* DateTime.now
        const { range, errors } = RequestedRange.read(query, {
          now,
          timeZone: utc,
          longest: RequestedRange.tenYears,
          defaultLength: RequestedRange.monthLength,
        })
        yield* FieldError.refuse(errors)
        const newest = yield* seals.newest.pipe(orProblem)
        const found = yield* seals.ofDays(range).pipe(orProblem)
        if (found.length > sealLimit) yield* FieldError.refuse([tooMany(found.length)])
        return {
          request_time: now,
          data_time: NewestDataTime.among(found.map(({ sealedAt }) => sealedAt)),
          from: range.start,
          to: range.end,
          newest: newest && { number: newest.number, link: newest.link },
          seals: found.map(({ number, day, sealedAt, reason, lines, digest, link }) => ({
            number,
            day,
            sealed_at: sealedAt,
            reason,
            lines,
            digest,
            link,
          })),
        }
      }),
    )
  }),
)

const tooMany = (seals: number): FieldError.FieldError => ({
  field: "to",
  message: `expected a shorter range: this one has ${seals} seals, and the maximum is ${sealLimit}`,
})
