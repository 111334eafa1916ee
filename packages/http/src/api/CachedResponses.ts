/** The contract of responses that stay valid until the next sample. */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

/**
 * Makes responses to GET and HEAD cacheable: a `Cache-Control` that lasts until the next sample, a weak `ETag` that does
 * not depend on the time of the request, and a 304 when `If-None-Match` has that `ETag`.
 */
export class CachedResponses extends HttpApiMiddleware.Service<CachedResponses>()(
  "@btc-price/http/api/CachedResponses",
) {}
