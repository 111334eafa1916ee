/** The flag that selects currencies. */
import { Currency } from "@btc-price/domain/Currency"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CommandSettings } from "./CommandSettings.ts"

/** Absent unless it is given. */
export const flag = Flag.String("currency").pipe(
  Flag.withMetavar("codes"),
  Flag.withDescription("Comma-separated ISO 4217 codes, such as EUR,CZK; default: CURRENCIES"),
  Flag.filterMap(
    (text) => Schema.decodeUnknownOption(Schema.UniqueArray(Currency))(text.toUpperCase().split(",")),
    (text) => `${text} is not a list of distinct currencies that this service knows`,
  ),
  Flag.optional,
)

/** The selected currencies; all currencies of the installation by default. */
export const of = (given: Option.Option<ReadonlyArray<Currency>>) =>
  Effect.map(CommandSettings, ({ currencies }) => Option.getOrElse(given, () => currencies))
