/** A stored row that can be neither a price nor a gap, such as a gap with an unknown reason. */
import type { Slot } from "./Slot.ts"

export interface UnreadableRow {
  readonly slot: Slot
  /** What the row has in its columns, for the person who investigates. */
  readonly detail: string
}
