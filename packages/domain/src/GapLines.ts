/** Stored gaps as lines of text, in the formats of `PriceLines`. */
import * as DateTime from "effect/DateTime"
import type { Gap } from "./Gap.ts"
import type * as PriceLines from "./PriceLines.ts"
import * as Slot from "./Slot.ts"

/** A gap as it is stored, whether or not its currency and reason are known. */
export interface StoredGap extends Pick<Gap, "slot" | "detail" | "tried"> {
  readonly currency: string
  readonly reason: string
}

/** The names of the columns in CSV and of the members in JSON, in their order. */
export const columns = ["slot", "currency", "reason", "detail", "tried"] as const

/** The fields of {@link columns}. `tried` has the names of the histories, separated by spaces. */
export const fieldsOf = ({ slot, currency, reason, detail, tried }: StoredGap): PriceLines.Fields => ({
  slot: DateTime.formatIso(Slot.start(slot)),
  currency,
  reason,
  detail,
  tried: tried.join(" "),
})
