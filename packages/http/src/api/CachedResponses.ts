/** The contract of answers that stay true until the next sample. */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

/**
 * Gives the answers of GET and HEAD a `Cache-Control` until the next sample, a weak `ETag` that does not
 * depend on when they were given, and 304 to who has them (`If-None-Match`).
 */
export class CachedResponses extends HttpApiMiddleware.Service<CachedResponses>()(
  "@btc-price/http/api/CachedResponses",
) {}
