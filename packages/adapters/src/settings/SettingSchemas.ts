/** Schemas of settings, which are read from the text of environment variables. */
import { Currency } from "@btc-price/domain/Currency"
import { parseTimeZone } from "@btc-price/domain/TimeZone"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import { identity } from "effect/Function"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

export const Text = Schema.NonEmptyString
export const expectedPemFile = "a readable PEM file"
export const expectedRegion = "an AWS region such as eu-central-1"
export const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)
/** An IP address or a host name. An IPv6 address may be in brackets, as in a URL. */
export const Host = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.makeFilter(
        (host) => /^[\w.-]+$/.test(host) || Result.isSuccess(NetAddress.ipv6FromString(host)),
      ),
    ),
    SchemaTransformation.transform({ decode: (host) => host.replace(/^\[(.*)\]$/, "$1"), encode: identity }),
  ),
)
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
export const TimeZoneName = Schema.String.check(
  Schema.makeFilter((text) => Option.isSome(parseTimeZone(text))),
).pipe(
  Schema.decodeTo(
    Schema.TimeZoneNamed,
    SchemaTransformation.transform({
      decode: (text) => Option.getOrThrow(parseTimeZone(text)),
      encode: DateTime.zoneToString,
    }),
  ),
)
export const WholeNumber = Schema.String.check(Schema.isPattern(/^\d{1,9}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString),
)
export const expectedLimit = "a whole number above 0"
export const Limit = WholeNumber.check(Schema.isGreaterThan(0))
/** Items separated by commas. `read` transforms the text of each. */
const separated = (read: (written: string) => string = identity) =>
  SchemaTransformation.transform({
    decode: (text: string): ReadonlyArray<string> => text.split(",").map((written) => read(written.trim())),
    encode: (items) => items.join(","),
  })
/** From one to `maximum` different items. */
const list = <Item>(item: Schema.Codec<Item, string>, maximum: number, read?: (written: string) => string) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.UniqueArray(item).check(Schema.isBetweenLength(1, maximum)), separated(read)),
  )
export const Currencies = list(Currency, 20, (written) => written.toUpperCase())
/** At most 20 texts without commas. */
export const Names = list(Schema.NonEmptyString, 20)
/** At most 20 of these. */
export const listOf = (item: Schema.Codec<string>) => list(item, 20)
export const choices = <const Item extends string>(items: ReadonlyArray<Item>) =>
  list(Schema.Literals(items), items.length)
/** Whether the network can be a proxy's. A wider network trusts everybody, and no caller has an IPv4-mapped address. */
const isNarrow = (written: string): boolean =>
  Result.match(IpNetwork.fromString(written), {
    // Another check refuses what is no network.
    onFailure: () => true,
    onSuccess: ({ address, prefixLength }) =>
      NetAddress.isIpv4Address(address)
        ? prefixLength >= 8
        : prefixLength >= 7 && NetAddress.isIpv6Address(NetAddress.toCanonical(address)),
  })
/** A single address is a network of one address. `none` is no network. */
export const Networks = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Array(
      Schema.String.check(Schema.makeFilter(isNarrow)).pipe(Schema.decodeTo(Schema.IpNetworkFromString)),
    ),
    SchemaTransformation.transform({
      decode: (text: string): ReadonlyArray<string> =>
        text === "none" ? [] : text.split(",").map(asNetwork),
      encode: (networks) => (networks.length === 0 ? "none" : networks.join(",")),
    }),
  ),
)
const asNetwork = (written: string): string => {
  const text = written.trim()
  return Result.match(NetAddress.ipFromString(text), {
    onFailure: () => text,
    onSuccess: (address) => `${text}/${NetAddress.width(address)}`,
  })
}
/** One secret, or two separated by a comma, of which the first is preferred. */
export const secrets = (item: Schema.Codec<string>) =>
  Schema.String.check(Schema.isPattern(/^[^,\s]+(?:,[^,\s]+)?$/)).pipe(
    Schema.decodeTo(
      Schema.Array(Schema.Redacted(item)),
      // Redacted before they are checked, so that no error can show them.
      SchemaTransformation.transform({
        decode: (text: string): ReadonlyArray<Redacted.Redacted> =>
          text.split(",").map((written) => Redacted.make(written)),
        encode: (items) => items.map(Redacted.value).join(","),
      }),
    ),
  )
export const Share = Schema.BigDecimalFromString.check(
  Schema.isBetweenBigDecimal({ minimum: BigDecimal.make(0n, 0), maximum: BigDecimal.make(1n, 0) }),
)
