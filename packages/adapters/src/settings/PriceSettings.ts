/** Settings of what is sampled, averaged and kept. */
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { Currencies, Share, TimeZoneName, WholeNumber } from "./SettingSchemas.ts"

export const declarations = {
  CURRENCIES: setting({
    schema: Currencies,
    expected: "1 to 20 different ISO 4217 codes that CoinGecko quotes, separated by commas",
    meaning: "currencies to sample and to answer, in this order",
    fallback: "EUR,CZK",
  }),
  TIME_ZONE: setting({
    schema: TimeZoneName,
    expected: "an IANA time zone such as Europe/Prague",
    meaning: "zone whose days and months are averaged",
    fallback: "UTC",
  }),
  MINIMUM_COVERAGE: setting({
    schema: Share,
    expected: "a number from 0 to 1",
    meaning: "an average with prices in less than this share of its slots says that it is `partial`",
    fallback: "0.95",
  }),
  RETENTION_MONTHS: setting({
    schema: WholeNumber.check(Schema.isGreaterThanOrEqualTo(2)),
    expected: "a number of months from 2 up",
    meaning: "whole UTC months kept beside the running one; default: all",
    fallback: null,
  }),
} as const
