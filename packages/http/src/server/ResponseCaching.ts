/** HTTP caching: clients may keep a response until the next sample, and revalidate it without downloading it again. */
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

/** Maximum age of a response while a new sample is due or has not been read yet. */
const waitSeconds = 5

export const layer: Layer.Layer<CachedResponses, never, Snapshot> = Layer.effect(
  CachedResponses,
  Effect.gen(function* () {
    const snapshot = yield* Snapshot
    const digest = yield* Digest.Digest

    /** Seconds until the next sample; only `waitSeconds` while the current slot's sample is still awaited. */
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
      // A client that limits a price's age needs a fresh response, not a cached response.
      const limitsAge = "max_age" in (yield* HttpServerRequest.ParsedSearchParams)
      const headers = {
        "cache-control": limitsAge ? "private, no-cache" : `private, max-age=${yield* freshSeconds}`,
        vary: "Accept, Authorization",
      }
      if (response.body._tag !== "Uint8Array") return HttpServerResponse.setHeaders(response, headers)
      const text = new TextDecoder().decode(response.body.body).replace(volatileFields, "")
      const hash = yield* Effect.orDie(digest.digestHex(Digest.sha256, new TextEncoder().encode(text)))
      const etag = `W/"${hash.slice(0, 32)}"`
      const withTag = { ...headers, etag }
      return matchesTag(request.headers["if-none-match"], etag)
        ? HttpServerResponse.empty({ status: 304, headers: withTag })
        : HttpServerResponse.setHeaders(response, withTag)
    })
  }),
).pipe(Layer.provide(Digest.layerWebCrypto))

/**
 * The fields that change although only time has passed. A quotation mark inside a JSON string is escaped, so this
 * pattern never matches inside a string.
 */
const volatileFields = /"request_time":"[^"]*"|"age_seconds":\d+/g

/** Whether `If-None-Match` has the `ETag`, by the weak comparison of RFC 9110. */
export const matchesTag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(",").some((tag) => [etag, etag.slice(2), "*"].includes(tag.trim()))
