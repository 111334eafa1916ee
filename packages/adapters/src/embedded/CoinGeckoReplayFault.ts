/** What can be made to go wrong in a rehearsal, in the forms in which CoinGecko was seen to go wrong. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  type Answer,
  json,
  missingParameter,
  type Spoiling,
  userAgentRefusal,
} from "./CoinGeckoReplayAnswer.ts"

export interface Fault extends Spoiling {
  /** One sentence for the person who rehearses. */
  readonly sentence: string
  /** Given instead of the right answer. */
  readonly answer?: Answer
  /** How the answer is sent, if at all. */
  readonly send?: (
    answer: Answer,
    request: HttpServerRequest,
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse>
}

const html = (status: number, title: string, text: string): Answer => ({
  status,
  contentType: "text/html; charset=UTF-8",
  body: `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>\n`,
})

/** The error bodies are recorded ones, byte for byte: `test/recordings/coingecko` and its `SOURCES.md`. */
const rateLimit = {
  status: {
    error_code: 429,
    error_message:
      "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API plans for higher rate limits.",
  },
}

/** Every fault by the name that it is set by. */
export const faults = {
  "rate-limited": {
    sentence: "The rate limit, 429, with Retry-After 18 seconds.",
    answer: { ...json(429, rateLimit), headers: { "retry-after": "18" } },
  },
  "rate-limited-without-retry-after": {
    sentence: "The rate limit, 429, that does not say for how long.",
    answer: json(429, rateLimit),
  },
  "rate-limited-as-200": {
    sentence: "The rate limit's body with status 200.",
    answer: json(200, rateLimit),
  },
  throttled: {
    sentence: "The rate limit as the plain text `Throttled` with status 200.",
    answer: { status: 200, contentType: "text/plain", body: "Throttled" },
  },
  "cloudflare-1015": {
    sentence: "The rate limit of the proxy in front: an HTML page, error code 1015, with status 200.",
    answer: html(200, "Access denied", "error code: 1015"),
  },
  "cloudflare-1020": {
    sentence: "The firewall of the proxy in front: an HTML page, error code 1020, with status 403.",
    answer: html(403, "Access denied", "error code: 1020"),
  },
  "missing-parameter": {
    sentence: "Error shape 1, a text under `error`: 422, a parameter is missing.",
    answer: missingParameter("ids"),
  },
  "plan-restricted": {
    sentence: "Error shape 2, code and message under `status`: 401, the endpoint is not in the plan.",
    answer: json(401, {
      status: {
        error_code: 10005,
        error_message: "This request is limited to PRO API subscribers. Please visit .../api/pricing ...",
      },
    }),
  },
  "server-fault": {
    sentence: "Error shape 3, the status as a number: 500.",
    answer: json(500, { status: 500, error: "Internal Server Error" }),
  },
  "time-range": {
    sentence: "Error shape 4, nested once more: 401, older than the plan allows.",
    answer: json(401, {
      error: {
        status: {
          timestamp: "2024-03-30T07:22:29.427+00:00",
          error_code: 10012,
          error_message:
            "Your request exceeds the allowed time range. Public API users are limited to querying historical data within the past 365 days. Upgrade to a paid plan to enjoy full historical data access: https://www.coingecko.com/en/api/pricing. ",
        },
      },
    }),
  },
  "wrong-host": {
    sentence: "Error shape 5, the code at the top: 400, a Demo key on the Pro host.",
    answer: json(400, {
      timestamp: "2025-09-01T13:07:05.880+00:00",
      error_code: 10011,
      status: {
        error_message:
          "If you are using Demo API key, please change your root URL from pro-api.coingecko.com to api.coingecko.com Please refer here for more details: https://docs.coingecko.com/v3.0.1/reference/introduction",
      },
    }),
  },
  "user-agent": { sentence: "403, a descriptive User-Agent is wanted.", answer: userAgentRefusal },
  "html-page": {
    sentence: "An HTML page with status 200.",
    answer: html(200, "CoinGecko", "We will be back soon."),
  },
  "empty-body": { sentence: "Status 200 and nothing else.", answer: { ...json(200, null), body: "" } },
  partial: { sentence: "The last currency is not in the answer.", lacksLastCurrency: true },
  null: { sentence: "Every price is null.", price: () => "null" },
  zero: { sentence: "Every price is 0.", price: () => "0" },
  negative: { sentence: "Every price is below zero.", price: (text) => `-${text}` },
  scientific: {
    sentence: "Every price is written as 4.2e+4 is; it is right, and must be understood.",
    price: (text) => Number(text).toExponential(),
  },
  stale: { sentence: "Prices and stamps are those of an hour ago.", ageSeconds: 3600 },
  slow: {
    sentence: "The answer comes one byte a second.",
    send: ({ status, contentType, body }) =>
      Effect.succeed(
        HttpServerResponse.stream(
          Stream.fromIterable(new TextEncoder().encode(body)).pipe(
            Stream.map((byte) => Uint8Array.of(byte)),
            Stream.schedule(Schedule.spaced("1 second")),
          ),
          { status, contentType },
        ),
      ),
  },
  truncated: {
    sentence: "The connection ends before the body does.",
    send: ({ body }, request) =>
      Effect.suspend(() => {
        const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
        NodeHttpServerRequest.toIncomingMessage(request).socket.end(head + body.slice(0, body.length / 2))
        return Effect.never
      }),
  },
  reset: {
    sentence: "The connection is reset before anything is answered.",
    send: (_answer, request) =>
      Effect.suspend(() => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.resetAndDestroy()
        return Effect.never
      }),
  },
  hang: { sentence: "Nothing is ever answered.", send: () => Effect.never },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
