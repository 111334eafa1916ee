/** What the answers of the versioned API are made of. Amounts and shares are exact decimals, as strings. */
import { Currency } from "@btc-price/domain/Currency"
import { Kind } from "@btc-price/domain/Price"
import * as Schema from "effect/Schema"

export const Amount = Schema.String.annotate({
  description: "An exact decimal number of the currency's units for one bitcoin",
  examples: ["40320.12"],
})

export const Share = Schema.String.annotate({
  description: "An exact decimal number from 0 to 1, of four digits",
  examples: ["0.9931"],
})

/** Beside the data in every answer. */
export const times = {
  request_time: Schema.DateTimeUtcFromString.annotate({ description: "When the request was answered" }),
  data_time: Schema.NullOr(Schema.DateTimeUtcFromString).annotate({
    description: "The source's own time of the newest price in this answer; null: there is none in it",
  }),
}

/** Where a price came from and how. */
export const provenance = {
  source: Schema.String.annotate({ description: "Where it came from", examples: ["coingecko"] }),
  kind: Kind.annotate({
    description: "`live`: taken while its slot was running; `backfill`: taken later from a source's history",
  }),
  derived: Schema.Boolean.annotate({
    description: "Whether it came about through an exchange rate, rather than from trades in this currency",
  }),
  flagged: Schema.Boolean.annotate({
    description: "Whether it looked wrong and no other source could confirm it",
  }),
}

const sample = {
  currency: Currency,
  amount: Amount,
  slot: Schema.DateTimeUtcFromString.annotate({
    description: "Start of the five-minute slot that it stands for",
  }),
  observed_at: Schema.DateTimeUtcFromString.annotate({ description: "The source's own time of the value" }),
  fetched_at: Schema.DateTimeUtcFromString.annotate({ description: "When this service received it" }),
}

export const Quote = Schema.Struct({
  ...sample,
  age_seconds: Schema.Int.annotate({ description: "From `observed_at` to `request_time`" }),
  ...provenance,
  stale: Schema.Boolean.annotate({
    description: "Whether it is 15 minutes old or older, and so not to be taken for the current price",
  }),
}).annotate({ identifier: "Quote", description: "The newest price of one bitcoin" })

export const PriceAt = Schema.Struct({
  ...sample,
  distance_seconds: Schema.Int.annotate({ description: "From the start of its slot to the time asked for" }),
  ...provenance,
}).annotate({ identifier: "PriceAt", description: "The price that stood at a time" })

export const Miss = Schema.Struct({
  reason: Schema.Literals(["none-before", "too-far"]).annotate({
    description:
      "`none-before`: there is no price at or before the time; `too-far`: the nearest one is further than was allowed",
  }),
  nearest: Schema.NullOr(
    Schema.Struct({ slot: Schema.DateTimeUtcFromString, distance_seconds: Schema.Int }),
  ).annotate({ description: "Where the nearest earlier price stands; null: there is none" }),
}).annotate({ identifier: "Miss", description: "Why there is no price at a time" })
