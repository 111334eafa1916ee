/** What the answers of the versioned API are made of. Amounts and shares are exact decimals, as strings. */
import { Currency } from "@btc-price/domain/Currency"
import { Kind } from "@btc-price/domain/Price"
import * as Schema from "effect/Schema"

export const Time = Schema.DateTimeUtcFromString

export const Amount = Schema.String.annotate({
  description: "An exact decimal number of the currency's units for one bitcoin",
  examples: ["40320.12"],
})

/** An amount that is made of several prices; null: there is none of them. */
export const NullableAmount = Schema.NullOr(Amount)

/** Null: there is no such slot. */
export const SlotStart = Schema.NullOr(Time)

export const Share = Schema.String.annotate({
  description: "An exact decimal number from 0 to 1, of four digits",
  examples: ["0.9931"],
})

/** Beside the data in every answer. */
export const times = {
  request_time: Time.annotate({ description: "When the request was answered" }),
  data_time: Schema.NullOr(Time).annotate({
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

/** A price as it is kept, its fields in the order of the columns of CSV. */
export const Sample = Schema.Struct({
  slot: Time.annotate({ description: "Start of the five-minute slot that it stands for" }),
  currency: Currency,
  amount: Amount,
  ...provenance,
  observed_at: Time.annotate({ description: "The source's own time of the value" }),
  fetched_at: Time.annotate({ description: "When this service received it" }),
}).annotate({ identifier: "Sample" })

export const NewestPrice = Schema.Struct({
  ...Sample.fields,
  age_seconds: Schema.Int.annotate({ description: "From `observed_at` to `request_time`" }),
  stale: Schema.Boolean.annotate({
    description: "Whether it is 15 minutes old or older, and so not to be taken for the current price",
  }),
}).annotate({ identifier: "NewestPrice", description: "The newest price of one bitcoin" })

export const PriceAt = Schema.Struct({
  ...Sample.fields,
  distance_seconds: Schema.Int.annotate({ description: "From the start of its slot to the time asked for" }),
}).annotate({ identifier: "PriceAt", description: "The price that stood at a time" })

export const Miss = Schema.Struct({
  reason: Schema.Literals(["none-before", "too-far"]).annotate({
    description:
      "`none-before`: there is no price at or before the time; `too-far`: the nearest one is further than was allowed",
  }),
  nearest: Schema.NullOr(Schema.Struct({ slot: Time, distance_seconds: Schema.Int })).annotate({
    description: "Where the nearest earlier price stands; null: there is none",
  }),
}).annotate({ identifier: "Miss", description: "Why there is no price at a time" })
