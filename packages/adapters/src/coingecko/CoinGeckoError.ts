/** The five forms in which CoinGecko reports an error. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ReportedError } from "../vendor/VendorAnswer.ts"

/** The error in an answer's JSON. Its code is CoinGecko's own (10000 and up) or an HTTP status. */
export const errorIn = (json: unknown): Option.Option<ReportedError> =>
  Option.firstSomeOf(shapes.map((errorIn) => errorIn(json)))

const shape =
  <S extends Schema.ConstraintDecoder<unknown>>(schema: S, toError: (body: S["Type"]) => ReportedError) =>
  (json: unknown): Option.Option<ReportedError> =>
    Option.map(Schema.decodeUnknownOption(schema)(json), toError)

const Status = Schema.Struct({ error_code: Schema.BigDecimal, error_message: Schema.String })

/** The code of a request for prices that are older than the plan's history. */
const tooOld = 10_012

const reported = (message: string, decimal?: BigDecimal.BigDecimal): ReportedError => {
  const code = decimal === undefined ? undefined : BigDecimal.toNumberUnsafe(decimal)
  return { code, message: code === tooOld ? `The history of the plan ends there. ${message}` : message }
}

const shapes = [
  shape(Schema.Struct({ error: Schema.Struct({ status: Status }) }), ({ error: { status } }) =>
    reported(status.error_message, status.error_code),
  ),
  shape(Schema.Struct({ status: Status }), ({ status }) => reported(status.error_message, status.error_code)),
  shape(
    Schema.Struct({
      error_code: Schema.BigDecimal,
      status: Schema.Struct({ error_message: Schema.String }),
    }),
    ({ error_code, status }) => reported(status.error_message, error_code),
  ),
  shape(Schema.Struct({ status: Schema.BigDecimal, error: Schema.String }), ({ error, status }) =>
    reported(error, status),
  ),
  shape(Schema.Struct({ error: Schema.String }), ({ error }) => reported(error)),
]
