import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { json, type Respond } from "../vendor/VendorStub.ts"
import { current, recorded } from "./CoinGeckoStub.ts"

const failure = (respond: Respond) => Effect.flip(current(respond))

type Reason = PriceSourceError["reason"]

const coded = (code: number) => `"timestamp":"2026-01-09T00:00:00.000+00:00","error_code":${code}`

describe("CoinGeckoError", () => {
  const recordings: ReadonlyArray<readonly [file: string, status: number, Reason, says: string]> = [
    ["error_400_10011_wrong_host.json", 400, "refused", "please change your root URL"],
    ["error_401_10005_pro_only.json", 401, "refused", "limited to PRO API subscribers"],
    [
      "error_401_10012_time_range.json",
      401,
      "refused",
      "The history of the plan ends there. Your request exceeds",
    ],
    ["error_403_user_agent.json", 403, "refused", "Please add a descriptive User-Agent"],
    ["error_422_missing_ids.json", 422, "refused", "Missing parameter ids"],
    ["error_422_missing_vs_currency.json", 422, "refused", "Missing parameter vs_currency"],
    ["error_429_rate_limit.json", 429, "rate-limited", "exceeded the Rate Limit"],
    ["error_500_ohlc_2021.json", 500, "upstream-fault", "Internal Server Error"],
    // The same bodies in disguise; without a code of its own a body gives no other reason.
    ["error_400_10011_wrong_host.json", 200, "refused", "please change your root URL"],
    ["error_401_10005_pro_only.json", 200, "refused", "limited to PRO API subscribers"],
    ["error_401_10012_time_range.json", 200, "refused", "exceeds the allowed time range"],
    ["error_403_user_agent.json", 200, "refused", "Please add a descriptive User-Agent"],
    ["error_422_missing_ids.json", 200, "malformed", "Missing parameter ids"],
    ["error_429_rate_limit.json", 200, "rate-limited", "exceeded the Rate Limit"],
    ["error_500_ohlc_2021.json", 200, "upstream-fault", "Internal Server Error"],
  ]
  it.effect.each(recordings)("recorded %s with status %s: %s", ([file, status, reason, says]) =>
    Effect.gen(function* () {
      const error = yield* failure(json(recorded(file), status))
      assert.strictEqual(error.reason, reason)
      assert.include(error.detail, `CoinGecko answered ${status}: `)
      assert.include(error.detail, says)
    }),
  )

  const answers: ReadonlyArray<readonly [what: string, Respond, Reason]> = [
    ["429 with another code", json(`{"status":{${coded(10_005)},"error_message":"-"}}`, 429), "rate-limited"],
    ["no key", json(`{"status":{${coded(10_002)},"error_message":"API Key Missing"}}`, 401), "refused"],
    ["Pro key, public host", json(`{${coded(10_010)},"status":{"error_message":"-"}}`, 400), "refused"],
  ]
  it.effect.each(answers)("%s: $2", ([, respond, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* failure(respond)).reason, reason)
    }),
  )
})
