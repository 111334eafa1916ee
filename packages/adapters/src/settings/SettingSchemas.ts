/** What values of settings may be, read from the text of an environment variable. */
import { Currency } from "@btc-price/domain/Currency"
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

export const Text = Schema.NonEmptyString
export const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)
export const Port = Schema.String.check(Schema.isPattern(/^\d{1,5}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString),
  Schema.decodeTo(Schema.Port),
)
export const expectedUrl = "an http or https URL"
export const Url = Schema.URLFromString.check(
  Schema.makeFilter((url) => url.protocol === "https:" || url.protocol === "http:"),
)
export const Switch = Schema.Literals(["on", "off"]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({ decode: (text) => text === "on", encode: (on) => (on ? "on" : "off") }),
  ),
)
/** An offset such as +02:00 is no zone: it knows no clock changes. */
export const TimeZoneName = Schema.String.check(Schema.isPattern(/^[A-Z]/i)).pipe(
  Schema.decodeTo(Schema.TimeZoneNamedFromString),
)
export const WholeNumber = Schema.String.check(Schema.isPattern(/^\d{1,9}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString),
)
/** At most `maximum` different items, separated by commas, each as `read` makes it of what is written. */
const list = <Item extends string>(
  item: Schema.Codec<Item>,
  maximum: number,
  read: (written: string) => string,
) =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.UniqueArray(item).check(Schema.isBetweenLength(1, maximum)),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<Item> => text.split(",").map((written) => read(written) as Item),
        encode: (items) => items.join(","),
      }),
    ),
  )
export const Currencies = list(Currency, 20, (written) => written.trim().toUpperCase())
/** At most 20 of whatever can be written without commas. */
export const Names = list(Schema.NonEmptyString, 20, (written) => written.trim())
/** A single address is a network, too. */
export const Networks = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Array(Schema.IpNetworkFromString),
    SchemaTransformation.transform({
      decode: (text): ReadonlyArray<string> => text.split(",").map((written) => written.trim()),
      encode: (networks) => networks.join(","),
    }),
  ),
)
export const choices = <const Item extends string>(items: ReadonlyArray<Item>) =>
  list(Schema.Literals(items), items.length, (written) => written.trim())
export const Share = Schema.BigDecimalFromString.check(
  Schema.isBetweenBigDecimal({ minimum: BigDecimal.make(0n, 0), maximum: BigDecimal.make(1n, 0) }),
)
/** One, or two of which the first is preferred, separated by a comma. */
export const secrets = (item: Schema.Codec<string>) =>
  Schema.String.check(Schema.isPattern(/^[^,\s]+(?:,[^,\s]+)?$/)).pipe(
    Schema.decodeTo(
      Schema.Array(Schema.RedactedFromValue(item)),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<string> => text.split(","),
        encode: (items) => items.join(","),
      }),
    ),
  )
