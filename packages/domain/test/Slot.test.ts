import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: -4e12, maximum: 4e12 }))

describe("Slot", () => {
  it.prop("contains the instants from its start to the start of the next slot", [Millis], ([millis]) => {
    const slot = Slot.at(DateTime.makeUnsafe(millis))
    assert.isTrue(slot <= millis && millis < Slot.next(slot))
    assert.strictEqual(Slot.at(Slot.start(slot)), slot)
    assert.isTrue(Schema.is(Slot.Slot)(slot))
  })

  it.prop(
    "counts the slots that start in the range",
    [Millis, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e8 }))],
    ([from, length]) => {
      let starts = 0
      const first = Slot.at(DateTime.makeUnsafe(from - 1)) + Slot.slotMillis
      for (let start = first; start < from + length; start += Slot.slotMillis) starts += 1
      assert.strictEqual(Slot.count(DateTime.makeUnsafe(from), DateTime.makeUnsafe(from + length)), starts)
      assert.strictEqual(Slot.count(DateTime.makeUnsafe(from + length), DateTime.makeUnsafe(from)), 0)
    },
  )

  it("rejects an instant that is not the start of a slot", () => {
    assert.isFalse(Schema.is(Slot.Slot)(1_700_000_100_001))
    assert.isTrue(Schema.is(Slot.Slot)(1_700_000_100_000))
  })
})
