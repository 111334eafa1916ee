import { Gap, type Reason } from "@btc-price/domain/Gap"
import * as Slot from "@btc-price/domain/Slot"
import * as GapWarning from "@btc-price/worker/GapWarning"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"

const slot = Slot.at(DateTime.makeUnsafe("2026-11-27T20:05:00Z"))

/** The warnings when the sources failed for these reasons, in their order. */
const warnings = (
  answers: Readonly<Record<string, ReadonlyArray<readonly [source: string, reason: Reason]>>>,
) =>
  GapWarning.of({
    gaps: Object.entries(answers).map(([currency, [first]]) =>
      Gap.make({
        currency,
        slot,
        reason: first?.[1] ?? "missing",
        detail: "x".repeat(600),
        tried: [],
      } as Gap),
    ),
    missing: Object.entries(answers).flatMap(([currency, sources]) =>
      sources.map(([source, reason]) => ({ currency: currency as "EUR", source, reason, detail: "" })),
    ),
  }).map(({ message }) => message)

describe("GapWarning", () => {
  it("is one sentence for all currencies without a network", () => {
    const sources = [
      ["coingecko", "unreachable"],
      ["coingecko", "circuit-open"],
      ["kraken", "unreachable"],
    ] as const
    assert.deepStrictEqual(warnings({ EUR: sources, CZK: [...sources, ["coinbase", "missing"]] }), [
      "No price for EUR, CZK: no source can be reached (is there a network?)",
    ])
  })

  it("names the sources if their reasons differ, and the currencies apart", () => {
    assert.deepStrictEqual(
      warnings({
        EUR: [
          ["coingecko", "rate-limited"],
          ["kraken", "timed-out"],
        ],
        CZK: [["coingecko", "rate-limited"]],
        USD: [],
      }),
      [
        "No price for EUR: coingecko rate-limited, kraken timed-out",
        "No price for CZK: the sources ask for fewer calls",
        "No price for USD: no source has this currency",
      ],
    )
  })
})
