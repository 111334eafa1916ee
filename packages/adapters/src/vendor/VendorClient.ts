/** One bounded GET to a vendor, from which only a usable answer or a `PriceSourceError` comes. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as AnswerText from "./AnswerText.ts"
import * as VendorAnswer from "./VendorAnswer.ts"

/** What one may choose of a vendor that needs no key. */
export interface Options {
  /** The root of the API; the vendor's own unless given. */
  readonly baseUrl?: URL | string | undefined
}

export interface Vendor {
  /** As it stands in messages, such as `CoinGecko`. */
  readonly name: string
  /** The root of its API. */
  readonly baseUrl: URL | string
  /** A header with a secret in it, which no error will repeat. */
  readonly key?: { readonly header: string; readonly value: Redacted.Redacted } | undefined
  /** The vendor's own forms of an error in a JSON body, whatever the status. */
  readonly faultIn?: (json: unknown) => Option.Option<VendorAnswer.Fault>
}

/** The longest from the request to the beginning of the answer, in seconds. */
const firstByteLimitSeconds = 5

/** The longest that a call may take in all, in seconds. */
const callLimitSeconds = 10

/** The largest that is needed, a month of CoinGecko's five-minute points, takes about half of it. */
const answerLimitBytes = 2 * 1024 * 1024

/** CoinGecko and Kraken refuse to answer without a descriptive name. */
const userAgent = "btc-price/0.1.0 (samples the bitcoin price every five minutes)"

/** Gets `path` of the vendor's API and decodes the JSON, in which numbers are `BigDecimal`. */
export const make = (
  client: HttpClient.HttpClient,
  { name, baseUrl, key, faultIn = Option.none }: Vendor,
) => {
  const root = String(baseUrl).replace(/\/+$/, "")
  const secret = key === undefined ? "" : Redacted.value(key.value)
  const headers = {
    accept: "application/json",
    "user-agent": userAgent,
    ...(key === undefined ? {} : { [key.header]: secret }),
  }
  // What is read has no key in it, so no error can repeat one.
  const withoutKey = (text: string): string => (secret === "" ? text : text.replaceAll(secret, "(key)"))

  const timedOutAfter = (seconds: number) =>
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(failure("timed-out", `${name} did not answer within ${seconds} seconds`)),
    })

  const receive = Effect.fnUntraced(function* (path: string, urlParams: UrlParams) {
    const response = yield* client
      .get(root + path, { headers, urlParams })
      .pipe(timedOutAfter(firstByteLimitSeconds))
    const tooLarge = failure("malformed", `${name}'s answer is larger than ${answerLimitBytes} bytes`)
    const text = withoutKey(yield* AnswerText.read(response, answerLimitBytes, tooLarge))
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
        Effect.fail(
          reason._tag === "EmptyBodyError"
            ? failure("malformed", `${name}'s answer is empty`)
            : // The cause's text alone goes on, because the error itself holds the request with its key.
              failure(
                "unreachable",
                `The connection to ${name} failed: ${VendorAnswer.excerpt(withoutKey(textOfCause(reason.cause)))}`,
              ),
        ),
      ),
      // A redirect would carry the key elsewhere, and what we trace is not for vendors to see.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    )
    const json = yield* Effect.fromResult(VendorAnswer.read(name, faultIn, answer, yield* DateTime.now))
    return yield* VendorAnswer.decode(name, schema, json, "answer")
  })
}

const failure = (reason: PriceSourceError["reason"], detail: string) =>
  new PriceSourceError({ reason, detail })

type UrlParams = Readonly<Record<string, string | number>>

/** Where several addresses were tried, Node's error has a code but no message. */
const textOfCause = (cause: unknown): string =>
  cause instanceof Error && cause.message === "" && "code" in cause ? String(cause.code) : String(cause)
