/** One bounded GET to CoinGecko, with its key, from which only a usable answer or a `PriceSourceError` comes. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as CoinGeckoAnswer from "./CoinGeckoAnswer.ts"

export interface Options {
  /** The keys of the plans look alike, so the plan is never guessed. */
  readonly plan: keyof typeof roots
  /** Not sent on the plan `keyless`. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** The root of the API; CoinGecko's own for the plan unless given. */
  readonly baseUrl?: URL | string | undefined
}

/** Each root refuses the keys of the other. */
const roots = {
  keyless: "https://api.coingecko.com/api/v3",
  demo: "https://api.coingecko.com/api/v3",
  pro: "https://pro-api.coingecko.com/api/v3",
} as const

const keyHeaders = { keyless: "", demo: "x-cg-demo-api-key", pro: "x-cg-pro-api-key" } as const

/** The longest from the request to the beginning of the answer, in seconds. */
const firstByteLimitSeconds = 5

/** The longest that a call may take in all, in seconds. */
const callLimitSeconds = 10

/** A month of five-minute points takes about half of it. */
const answerLimitBytes = 2 * 1024 * 1024

/** Without a descriptive name CoinGecko refuses to answer. */
const userAgent = "btc-price/0.1.0 (samples the bitcoin price every five minutes)"

/** Gets `path` of the API and decodes the JSON, in which numbers are `BigDecimal`. */
export const make = (client: HttpClient.HttpClient, { plan, apiKey, baseUrl = roots[plan] }: Options) => {
  const root = String(baseUrl).replace(/\/+$/, "")
  const key = plan === "keyless" || apiKey === undefined ? "" : Redacted.value(apiKey)
  const headers = {
    accept: "application/json",
    "user-agent": userAgent,
    ...(key === "" ? {} : { [keyHeaders[plan]]: key }),
  }
  // What is read has no key in it, so no error can repeat one.
  const withoutKey = (text: string): string => (key === "" ? text : text.replaceAll(key, "(key)"))

  const receive = Effect.fnUntraced(function* (path: string, urlParams: UrlParams) {
    const response = yield* client
      .get(root + path, { headers, urlParams })
      .pipe(timedOutAfter(firstByteLimitSeconds))
    const text = withoutKey(yield* textOf(response))
    return { status: response.status, headers: response.headers, text }
  })

  return Effect.fnUntraced(function* <S extends Schema.ConstraintDecoder<unknown>>(
    schema: S,
    path: string,
    urlParams: UrlParams,
  ) {
    const answer = yield* receive(path, urlParams).pipe(
      timedOutAfter(callLimitSeconds),
      Effect.catchTag("HttpClientError", ({ reason }) =>
        Effect.fail(fromReason(reason, withoutKey(textOfCause(reason.cause)))),
      ),
      // A redirect would carry the key elsewhere, and what we trace is not for CoinGecko to see.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    )
    const json = yield* Effect.fromResult(CoinGeckoAnswer.read(answer, yield* DateTime.now))
    return yield* CoinGeckoAnswer.decode(schema, json, "answer")
  })
}

type UrlParams = Readonly<Record<string, string | number>>

const timedOutAfter = (seconds: number) =>
  Effect.timeoutOrElse({
    duration: `${seconds} seconds`,
    orElse: () =>
      Effect.fail(
        new PriceSourceError({
          reason: "timed-out",
          detail: `CoinGecko did not answer within ${seconds} seconds`,
        }),
      ),
  })

const textOf = (response: HttpClientResponse): Effect.Effect<string, HttpClientError | PriceSourceError> =>
  response.stream.pipe(
    Stream.limitBytes<HttpClientError | PriceSourceError, never>(answerLimitBytes, () =>
      Stream.fail(
        new PriceSourceError({
          reason: "malformed",
          detail: `CoinGecko's answer is larger than ${answerLimitBytes} bytes`,
        }),
      ),
    ),
    Stream.decodeText,
    Stream.mkString,
  )

/** The cause's text alone goes on, because the error itself holds the request with its key. */
const fromReason = ({ _tag }: HttpClientError["reason"], cause: string): PriceSourceError =>
  _tag === "EmptyBodyError"
    ? new PriceSourceError({ reason: "malformed", detail: "CoinGecko's answer is empty" })
    : new PriceSourceError({
        reason: "unreachable",
        detail: `The connection to CoinGecko failed: ${CoinGeckoAnswer.excerpt(cause)}`,
      })

/** Where several addresses were tried, Node's error has a code but no message. */
const textOfCause = (cause: unknown): string =>
  cause instanceof Error && cause.message === "" && "code" in cause ? String(cause.code) : String(cause)
