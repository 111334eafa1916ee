/** Settings of what is sampled, averaged and stored. */
import { Currency } from "@btc-price/domain/Currency"
import { monthsMinimum } from "@btc-price/domain/Retention"
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { Currencies, Share, TimeZoneName, WholeNumber } from "./SettingSchemas.ts"

export const declarations = {
  CURRENCIES: setting({
    schema: Currencies,
    expected: `1 to 20 different codes of ${Currency.literals.join(", ")}, separated by commas`,
    meaning: "currencies that are sampled and served, in this order",
    fallback: "EUR,CZK",
  }),
  TIME_ZONE: setting({
    schema: TimeZoneName,
    expected: "an IANA time zone such as Europe/Prague",
    meaning: "time zone whose days and months are averaged",
    fallback: "UTC",
  }),
  MINIMUM_COVERAGE: setting({
    schema: Share,
    expected: "a number from 0 to 1",
    meaning:
      "minimum share of an average's slots that must have a price; below it the average is marked `partial`",
    fallback: "0.95",
  }),
  RETENTION_MONTHS: setting({
    schema: WholeNumber.check(Schema.isGreaterThanOrEqualTo(monthsMinimum)),
    expected: `a whole number of months, at least ${monthsMinimum}`,
    meaning: "number of whole UTC months stored before the current month; default: all",
    fallback: null,
  }),
} as const
