/** The faults that can be injected, in the forms in which CoinGecko has been seen to fail. */
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
  type Distortion,
  userAgentRefusal,
} from "./CoinGeckoReplayAnswer.ts"

export interface Fault extends Distortion {
  /** One sentence for whoever injects the fault. */
  readonly description: string
  /** Replaces the correct answer. */
  readonly answer?: Answer
  /** How the answer is sent. By default it is sent at once and in full. */
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

/** The error bodies were recorded byte for byte: see `SOURCES.md` in `test/recordings/coingecko`. */
const rateLimit = {
  status: {
    error_code: 429,
    error_message:
      "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API plans for higher rate limits.",
  },
}

/** Every fault by its name. */
export const faults = {
  "rate-limited": {
    description: "The rate limit, 429, with Retry-After 18 seconds.",
    answer: { ...json(429, rateLimit), headers: { "retry-after": "18" } },
  },
  "rate-limited-without-retry-after": {
    description: "The rate limit, 429, without Retry-After.",
    answer: json(429, rateLimit),
  },
  "rate-limited-as-200": {
    description: "The rate limit's body with status 200.",
    answer: json(200, rateLimit),
  },
  throttled: {
    description: "The rate limit as the plain text `Throttled` with status 200.",
    answer: { status: 200, contentType: "text/plain", body: "Throttled" },
  },
  "cloudflare-1015": {
    description:
      "The rate limit of the proxy in front of CoinGecko: an HTML page, error code 1015, with status 200.",
    answer: html(200, "Access denied", "error code: 1015"),
  },
  "cloudflare-1020": {
    description:
      "The firewall of the proxy in front of CoinGecko: an HTML page, error code 1020, with status 403.",
    answer: html(403, "Access denied", "error code: 1020"),
  },
  "missing-parameter": {
    description: "Error shape 1, a text under `error`: 422, because a parameter is missing.",
    answer: missingParameter("ids"),
  },
  "plan-restricted": {
    description:
      "Error shape 2, code and message under `status`: 401, because the plan does not include the endpoint.",
    answer: json(401, {
      status: {
        error_code: 10005,
        error_message: "This request is limited to PRO API subscribers. Please visit .../api/pricing ...",
      },
    }),
  },
  "server-fault": {
    description: "Error shape 3, the status as a number: 500.",
    answer: json(500, { status: 500, error: "Internal Server Error" }),
  },
  "time-range": {
    description:
      "Error shape 4, shape 2 nested under `error`: 401, because the time range is older than the plan allows.",
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
    description: "Error shape 5, the code at the top: 400, because a Demo key was sent to the Pro host.",
    answer: json(400, {
      timestamp: "2025-09-01T13:07:05.880+00:00",
      error_code: 10011,
      status: {
        error_message:
          "If you are using Demo API key, please change your root URL from pro-api.coingecko.com to api.coingecko.com Please refer here for more details: https://docs.coingecko.com/v3.0.1/reference/introduction",
      },
    }),
  },
  "user-agent": {
    description: "403, because a descriptive User-Agent is required.",
    answer: userAgentRefusal,
  },
  "html-page": {
    description: "An HTML page with status 200.",
    answer: html(200, "CoinGecko", "We will be back soon."),
  },
  "empty-body": { description: "Status 200 with an empty body.", answer: { ...json(200, null), body: "" } },
  partial: { description: "The last currency is not in the answer.", lacksLastCurrency: true },
  null: { description: "Every price is null.", price: () => "null" },
  zero: { description: "Every price is 0.", price: () => "0" },
  negative: { description: "Every price is negative.", price: (text) => `-${text}` },
  scientific: {
    description:
      "Every price is in scientific notation, such as 4.2e+4, which is correct and must be understood.",
    price: (text) => Number(text).toExponential(),
  },
  stale: { description: "Prices and timestamps are an hour old.", ageSeconds: 3600 },
  slow: {
    description: "The answer arrives at one byte per second.",
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
    description: "The connection closes before the body is complete.",
    send: ({ body }, request) =>
      Effect.suspend(() => {
        const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
        NodeHttpServerRequest.toIncomingMessage(request).socket.end(head + body.slice(0, body.length / 2))
        return Effect.never
      }),
  },
  reset: {
    description: "The connection is reset before the answer begins.",
    send: (_answer, request) =>
      Effect.suspend(() => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.resetAndDestroy()
        return Effect.never
      }),
  },
  hang: { description: "The answer never comes.", send: () => Effect.never },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
