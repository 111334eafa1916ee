/** The currencies in which a bitcoin price can be quoted. */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"

/**
 * Minor units (digits after the decimal point) by ISO 4217 code, for the fiat currencies in
 * CoinGecko's `/simple/supported_vs_currencies`. The digits come from ISO 4217, list one.
 */
const minorUnits = {
  AED: 2,
  ARS: 2,
  AUD: 2,
  BDT: 2,
  BHD: 3,
  BMD: 2,
  BRL: 2,
  CAD: 2,
  CHF: 2,
  CLP: 0,
  CNY: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  GEL: 2,
  HKD: 2,
  HUF: 2,
  IDR: 2,
  ILS: 2,
  INR: 2,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  LKR: 2,
  MMK: 2,
  MXN: 2,
  MYR: 2,
  NGN: 2,
  NOK: 2,
  NZD: 2,
  PHP: 2,
  PKR: 2,
  PLN: 2,
  RUB: 2,
  SAR: 2,
  SEK: 2,
  SGD: 2,
  THB: 2,
  TRY: 2,
  TWD: 2,
  UAH: 2,
  USD: 2,
  VND: 0,
  ZAR: 2,
} as const

/** An ISO 4217 code in upper case. */
export type Currency = keyof typeof minorUnits

export const Currency = Schema.Literals(Object.keys(minorUnits) as Array<Currency>).annotate({
  identifier: "Currency",
  examples: ["EUR"],
})

/** The number of digits after the decimal point to which a shown amount in this currency is rounded. */
export const minorUnit = (currency: Currency): number => minorUnits[currency]

/** Rounds `amount` half-even to the currency's minor unit, for output. Round only once. */
export const toMinorUnit = (currency: Currency, amount: BigDecimal.BigDecimal): BigDecimal.BigDecimal =>
  BigDecimal.round(amount, { mode: "half-even", scale: minorUnit(currency) })
