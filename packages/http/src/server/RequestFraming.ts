/**
 * Refuses requests that are well formed for Node but that someone between could understand in another way than we do,
 * or that are larger than anything here needs. Their connection ends with the answer.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import { AddressTooLong, BodyTooLarge, MalformedRequest, TooManyHeaders } from "../api/Problem.ts"

/** The longest path with its query, in characters. */
const addressLimit = 4_096

/** The most header lines. */
const headerLimit = 100

/** Node takes the first of them in silence, and others the last. */
const singleHeaders = ["authorization", "content-type", "host"]

/** A name or an address, with or without a port. */
const hostForm = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

export const layer = HttpRouter.middleware(
  (handled) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      // A request without a wire, as in a test, has no framing.
      const isFramed = Predicate.hasProperty(request.source, "rawHeaders")
      const refusal = isFramed ? refusalOf(NodeHttpServerRequest.toIncomingMessage(request)) : undefined
      return refusal === undefined
        ? handled
        : Effect.map(
            HttpServerRespondable.toResponse(refusal),
            HttpServerResponse.setHeader("connection", "close"),
          )
    }),
  { global: true },
)

interface Sent {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Names and values in turn, as they came. */
  readonly rawHeaders: ReadonlyArray<string>
}

const refusalOf = ({ method = "", url = "", httpVersion, headers, rawHeaders }: Sent) => {
  if (url.length > addressLimit) return new AddressTooLong({ detail: `At most ${addressLimit} characters.` })
  // Forms for proxies, and `*`: none of them names anything here.
  if (!url.startsWith("/") || url.includes("#"))
    return new MalformedRequest({ detail: "The target must be a path." })
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  if (names.length > headerLimit) return new TooManyHeaders({ detail: `At most ${headerLimit} lines.` })
  const repeated = singleHeaders.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
  if (repeated !== undefined)
    return new MalformedRequest({ detail: `The header ${repeated} is there twice.` })
  const { host, "transfer-encoding": coding } = headers
  if (host === undefined ? httpVersion !== "1.0" : !hostForm.test(String(host))) {
    return new MalformedRequest({ detail: "The header host is missing, or names no host." })
  }
  if (coding !== undefined && String(coding).toLowerCase() !== "chunked") {
    return new MalformedRequest({ detail: "The only transfer-encoding understood is chunked." })
  }
  const hasBody = coding !== undefined || Number(headers["content-length"] ?? 0) > 0
  return hasBody && bodiless.has(method)
    ? new BodyTooLarge({ detail: `A ${method} request has no body here.` })
    : undefined
}

const bodiless = new Set(["GET", "HEAD"])
