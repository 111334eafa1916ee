/** Lets callers keep answers for as long as they stay true, and ask again without getting the same twice. */
import * as Slot from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { CachedResponses } from "../api/CachedResponses.ts"

/** While a new sample is due, and after it until it has been read, an answer is kept no longer than this. */
const waitSeconds = 5

export const layer: Layer.Layer<CachedResponses, never, Snapshot> = Layer.effect(
  CachedResponses,
  Effect.gen(function* () {
    const snapshot = yield* Snapshot
    const digest = yield* Digest.Digest

    /** Until the next sample; while that of the running slot is still awaited, not long. */
    const freshSeconds = Effect.gen(function* () {
      const now = yield* DateTime.now
      const slot = Slot.at(now)
      const current = yield* snapshot.currentPrices
      if (current.some(({ newest }) => newest?.slot !== slot)) return waitSeconds
      const left = DateTime.distance(now, Slot.start(Slot.next(slot)))
      return Math.ceil(Duration.toSeconds(left)) + waitSeconds
    })

    return Effect.fnUntraced(function* (answer) {
      const response = yield* answer
      const request = yield* HttpServerRequest.HttpServerRequest
      if (response.status !== 200 || (request.method !== "GET" && request.method !== "HEAD")) return response
      // Who says how old a price may be wants to hear it anew, not from a cache.
      const isAgeBound = "max_age" in (yield* HttpServerRequest.ParsedSearchParams)
      const headers = {
        "cache-control": isAgeBound ? "private, no-cache" : `private, max-age=${yield* freshSeconds}`,
        vary: "Accept, Authorization",
      }
      if (response.body._tag !== "Uint8Array") return HttpServerResponse.setHeaders(response, headers)
      const text = new TextDecoder().decode(response.body.body).replace(timeOfRequest, "")
      const hash = yield* Effect.orDie(digest.digestHex(Digest.sha256, new TextEncoder().encode(text)))
      const etag = `W/"${hash.slice(0, 32)}"`
      const withTag = { ...headers, etag }
      return isKnown(request.headers["if-none-match"], etag)
        ? HttpServerResponse.empty({ status: 304, headers: withTag })
        : HttpServerResponse.setHeaders(response, withTag)
    })
  }),
).pipe(Layer.provide(Digest.layerWebCrypto))

/**
 * What differs between two answers although nothing has happened but time. A quotation mark inside a JSON
 * string is escaped, so these are never found in one.
 */
const timeOfRequest = /"request_time":"[^"]*"|"age_seconds":\d+/g

/** By the weak comparison of RFC 9110. */
const isKnown = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(",").some((tag) => [etag, etag.slice(2), "*"].includes(tag.trim()))
