/** A slot without a price, and the reason. */
import * as Schema from "effect/Schema"
import { Currency } from "./Currency.ts"
import { Slot } from "./Slot.ts"

/**
 * Why there is no price:
 * - `rate-limited`: the source asked to be called less often;
 * - `timed-out`: no full answer within the limit;
 * - `unreachable`: no connection, or it broke;
 * - `refused`: the source answered that we may not ask (key, plan, firewall, request);
 * - `upstream-fault`: the source said that it failed;
 * - `malformed`: the answer was not in the documented form;
 * - `missing`: the source does not have this currency, or left it out of its answer;
 * - `rejected`: the value cannot be a price (null, zero, negative, not a number, too large) or is too old;
 * - `circuit-open`: the source failed too often and is left alone for a while;
 * - `budget-spent`: the calls of the month are used up, or kept for the slots to come;
 * - `not-running`: nobody asked, or not to the end.
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
  "not-running",
])
export type Reason = typeof Reason.Type

export class Gap extends Schema.Class<Gap>("@btc-price/domain/Gap")({
  currency: Currency,
  slot: Slot,
  reason: Reason,
  /** One sentence for the person who looks into it; never a secret. */
  detail: Schema.String,
  /** The names of the histories that were asked since and do not have it either. */
  tried: Schema.Array(Schema.String),
}) {
  /** The gap of a slot in which nobody asked a source for a price, then or since. */
  static unasked(currency: Currency, slot: Slot): Gap {
    return new Gap({ currency, slot, reason: "not-running", detail: unaskedDetail, tried: [] })
  }
}

/** Tells a slot in which nobody asked from one in which a worker asked and did not finish. */
export const unaskedDetail = "Nobody asked in this slot"
