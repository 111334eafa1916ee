/** The five forms in which CoinGecko says what went wrong. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Fault } from "../vendor/VendorAnswer.ts"

/** The fault in an answer's JSON, whose code is CoinGecko's own (10000 and up) or a status. */
export const faultIn = (json: unknown): Option.Option<Fault> =>
  Option.firstSomeOf(shapes.map((faultIn) => faultIn(json)))

const shape =
  <S extends Schema.ConstraintDecoder<unknown>>(schema: S, toFault: (body: S["Type"]) => Fault) =>
  (json: unknown): Option.Option<Fault> =>
    Option.map(Schema.decodeUnknownOption(schema)(json), toFault)

const Status = Schema.Struct({ error_code: Schema.BigDecimal, error_message: Schema.String })

const fault = (message: string, code?: BigDecimal.BigDecimal): Fault => ({
  code: code === undefined ? undefined : BigDecimal.toNumberUnsafe(code),
  message,
})

const shapes = [
  shape(Schema.Struct({ error: Schema.Struct({ status: Status }) }), ({ error: { status } }) =>
    fault(status.error_message, status.error_code),
  ),
  shape(Schema.Struct({ status: Status }), ({ status }) => fault(status.error_message, status.error_code)),
  shape(
    Schema.Struct({
      error_code: Schema.BigDecimal,
      status: Schema.Struct({ error_message: Schema.String }),
    }),
    ({ error_code, status }) => fault(status.error_message, error_code),
  ),
  shape(Schema.Struct({ status: Schema.BigDecimal, error: Schema.String }), ({ error, status }) =>
    fault(error, status),
  ),
  shape(Schema.Struct({ error: Schema.String }), ({ error }) => fault(error)),
]
