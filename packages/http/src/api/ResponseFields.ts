/** Schemas that the responses of the versioned API share. Amounts and shares are exact decimals, as strings. */
import { Currency } from "@btc-price/domain/Currency"
import { Kind } from "@btc-price/domain/Price"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** An instant, sent in UTC as ISO 8601 with milliseconds. */
export const timeOf = (description?: string) =>
  Schema.String.annotate({
    format: "date-time",
    examples: ["2026-11-24T10:00:00.000Z"],
    ...(description === undefined ? {} : { description }),
  }).pipe(Schema.decodeTo(Schema.DateTimeUtc, SchemaTransformation.dateTimeUtcFromString))

export const Time = timeOf()

export const Amount = Schema.String.annotate({
  description: "The price of one bitcoin in the currency, as an exact decimal number",
  examples: ["40320.12"],
})

/** An amount computed from the prices of a period; null if the period has no price. */
export const NullableAmount = Schema.NullOr(Amount)

/** Start of a slot; null if there is no such slot. */
export const SlotStart = Schema.NullOr(Time)

/** A civil day or month. */
export const CivilName = Schema.NullOr(Schema.String)

export const Share = Schema.String.annotate({
  description: "An exact decimal number from 0 to 1, with four digits after the point",
  examples: ["0.9931"],
})

/** The times that every response has in addition to its data. */
export const times = {
  request_time: timeOf("When the request was answered"),
  data_time: Schema.NullOr(Time).annotate({
    description:
      "The source's own timestamp of the newest price in this response; null if the response has no price",
  }),
}

/** Where a price came from and how it was obtained. */
export const provenance = {
  source: Schema.String.annotate({ description: "The source of the price", examples: ["coingecko"] }),
  kind: Kind.annotate({
    description: "`live`: fetched during its slot; `backfill`: fetched later from a source's history",
  }),
  derived: Schema.Boolean.annotate({
    description:
      "Whether the price was converted at an exchange rate rather than taken from trades in this currency",
  }),
  flagged: Schema.Boolean.annotate({
    description: "Whether the price looked wrong and no other source could confirm it",
  }),
}

/** A stored price. The fields are in the order of the CSV columns. */
export const Sample = Schema.Struct({
  slot: timeOf("Start of the price's five-minute slot"),
  currency: Currency,
  amount: Amount,
  ...provenance,
  observed_at: timeOf("The source's own timestamp of the price"),
  fetched_at: timeOf("When this service received the price"),
}).annotate({ identifier: "Sample" })

export const NewestPrice = Schema.Struct({
  ...Sample.fields,
  age_seconds: Schema.Natural.annotate({
    description: "Seconds from `observed_at`, or from `fetched_at` if that is earlier, to `request_time`",
  }),
  stale: Schema.Boolean.annotate({
    description: "Whether the price is 15 minutes old or older, which is too old for a current price",
  }),
}).annotate({ identifier: "NewestPrice", description: "The newest price of one bitcoin" })

export const PriceAt = Schema.Struct({
  ...Sample.fields,
  distance_seconds: Schema.Natural.annotate({
    description: "Seconds from the start of the price's slot to the requested time",
  }),
}).annotate({ identifier: "PriceAt", description: "The price at the requested time" })

export const Miss = Schema.Struct({
  reason: Schema.Literals(["none-before", "too-far"]).annotate({
    description:
      "`none-before`: there is no price at or before the time; `too-far`: the nearest earlier price is further away than `max_distance`",
  }),
  nearest: Schema.NullOr(Schema.Struct({ slot: Time, distance_seconds: Schema.Natural })).annotate({
    description:
      "The nearest earlier price, with its distance rounded up to seconds; null if there is no earlier price",
  }),
}).annotate({ identifier: "Miss", description: "Why there is no price for the requested time" })
