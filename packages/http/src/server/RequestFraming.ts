/**
 * Refuses requests that Node accepts but that a proxy in front could interpret differently, and requests that are
 * larger than anything here needs. The connection closes after the response.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import {
  AddressTooLong,
  BodyTooLarge,
  HttpVersionNotSupported,
  MalformedRequest,
  TooManyHeaders,
} from "../api/Problem.ts"

/** The maximum length of a path with its query, in characters. */
const addressLimit = 4_096

/** The maximum number of header lines. */
const headerLimit = 100

/** Headers of which Node silently uses the first line, and other servers the last. */
const singleHeaders = ["authorization", "content-type", "host"]

/** A host name or an address, with or without a port. */
const hostForm = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

export const layer = HttpRouter.middleware(
  (handled) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      // A request that did not come over a socket, as in a test, has no framing.
      const isFramed = Predicate.hasProperty(request.source, "rawHeaders")
      const sent: Sent | undefined = isFramed ? NodeHttpServerRequest.toIncomingMessage(request) : undefined
      if (sent === undefined) return yield* handled
      const refusal =
        refusalOf(sent) ?? ((yield* hasBody(request, sent)) ? withBody(request.method) : undefined)
      if (refusal === undefined) return yield* handled
      const response = yield* HttpServerRespondable.toResponse(refusal)
      return HttpServerResponse.setHeader(response, "connection", "close")
    }),
  { global: true },
)

const bodiless = new Set(["GET", "HEAD"])

const withBody = (method: string) => new BodyTooLarge({ detail: `A ${method} request must not have a body.` })

/** Whether a request has a body that its method does not allow. A body in chunks may be empty, so it is read. */
const hasBody = (request: HttpServerRequest.HttpServerRequest, { headers }: Sent): Effect.Effect<boolean> => {
  if (!bodiless.has(request.method)) return Effect.succeed(false)
  if (headers["transfer-encoding"] === undefined) {
    return Effect.succeed(Number(headers["content-length"] ?? 0) > 0)
  }
  return request.arrayBuffer.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(0)),
    Effect.isFailure,
  )
}

interface Sent {
  readonly url?: string | undefined
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Names and values alternately, as they were received. */
  readonly rawHeaders: ReadonlyArray<string>
}

const refusalOf = ({ url = "", httpVersion, headers, rawHeaders }: Sent) => {
  // Node's parser also accepts 0.9 and 2.0, and answers as if they were 1.1.
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return new HttpVersionNotSupported()
  if (url.length > addressLimit)
    return new AddressTooLong({ detail: `The maximum is ${addressLimit} characters.` })
  // The forms for proxies, and `*`, do not name anything here.
  if (!url.startsWith("/") || url.includes("#"))
    return new MalformedRequest({ detail: "The target must be a path." })
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  if (names.length > headerLimit)
    return new TooManyHeaders({ detail: `The maximum is ${headerLimit} lines.` })
  const repeated = singleHeaders.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
  if (repeated !== undefined) return new MalformedRequest({ detail: `The header ${repeated} is repeated.` })
  const { host, "transfer-encoding": coding } = headers
  if (host === undefined ? httpVersion !== "1.0" : !hostForm.test(String(host))) {
    return new MalformedRequest({ detail: "The header host is missing or is not a host." })
  }
  // RFC 9112, section 6.1: a proxy that speaks 1.0 may have forwarded the chunks without understanding them.
  if (coding !== undefined && httpVersion !== "1.1") {
    return new MalformedRequest({ detail: "A transfer-encoding requires HTTP/1.1." })
  }
  if (coding !== undefined && String(coding).toLowerCase() !== "chunked") {
    return new MalformedRequest({ detail: "The only supported transfer-encoding is chunked." })
  }
  return undefined
}
