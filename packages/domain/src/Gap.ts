/** A slot without a price, and the reason. */
import * as Schema from "effect/Schema"
import { Currency } from "./Currency.ts"
import { Slot } from "./Slot.ts"

/**
 * Why there is no price:
 * - `rate-limited`: the source asked for fewer calls;
 * - `timed-out`: there was no complete answer within the time limit;
 * - `unreachable`: the connection failed or broke;
 * - `refused`: the source rejected the request (key, plan, firewall, parameters);
 * - `upstream-fault`: the source reported an error of its own;
 * - `malformed`: the answer did not have the documented form;
 * - `missing`: the source does not support this currency, or left it out of its answer;
 * - `rejected`: the value cannot be a price (null, zero, negative, not a number, too large) or is too old;
 * - `circuit-open`: the source failed too often and is not called for a while;
 * - `budget-spent`: the calls of the month are used up or reserved for coming slots;
 * - `clock-skew`: the clock of the worker's machine was minutes off, by the clocks of all sources;
 * - `not-running`: no worker sampled the slot, or a worker started and did not finish.
 */
export const Reason = Schema.Literals([
  "rate-limited",
  "timed-out",
  "unreachable",
  "refused",
  "upstream-fault",
  "malformed",
  "missing",
  "rejected",
  "circuit-open",
  "budget-spent",
  "clock-skew",
  "not-running",
])
export type Reason = typeof Reason.Type

/** Reasons for which no source was asked, or none could be used. Any other reason says more. */
export const vagueReasons: ReadonlyArray<Reason> = [
  "clock-skew",
  "circuit-open",
  "budget-spent",
  "not-running",
]

export class Gap extends Schema.Class<Gap>("@btc-price/domain/Gap")({
  currency: Currency,
  slot: Slot,
  reason: Reason,
  /** One sentence for the person who investigates, never a secret. */
  detail: Schema.String,
  /** The names of the histories that were tried since and have no price for the slot either. */
  tried: Schema.Array(Schema.String),
}) {
  /** The gap of a slot that no worker sampled and for which no history was tried since. */
  static unsampled(currency: Currency, slot: Slot): Gap {
    return new Gap({ currency, slot, reason: "not-running", detail: unsampledDetail, tried: [] })
  }
}

/** Distinguishes a slot that no worker sampled from a slot in which a worker started and did not finish. */
export const unsampledDetail = "Nobody asked in this slot"
