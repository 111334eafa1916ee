/** A bounded GET to a vendor's API. Gives a usable answer or a `PriceSourceError`, nothing else. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as SourceClock from "@btc-price/domain/SourceClock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as AnswerText from "./AnswerText.ts"
import * as VendorAnswer from "./VendorAnswer.ts"

export interface Options {
  /** The vendor's name in messages, such as `CoinGecko`. */
  readonly label: string
  /** The base URL of the API. */
  readonly baseUrl: URL | string
  /** A header that holds a secret. No error repeats its value. */
  readonly key?: { readonly header: string; readonly value: Redacted.Redacted } | undefined
  /** Finds the vendor's own forms of an error in a JSON body, whatever the status. */
  readonly errorIn?: (json: unknown) => Option.Option<VendorAnswer.ReportedError>
}

/** The maximum time from the request to the beginning of the answer, in seconds. */
const firstByteLimitSeconds = 5

/** The maximum time for a whole call, in seconds. */
const callLimitSeconds = 10

/** The largest answer that is needed, a month of CoinGecko's five-minute points, takes about half of this. */
const answerLimitBytes = 2 * 1024 * 1024

/** CoinGecko and Kraken refuse clients that do not describe themselves. */
const userAgent = "btc-price/0.1.0 (samples the bitcoin price every five minutes)"

/** Gets a path of the vendor's API and decodes the JSON, in which numbers are `BigDecimal`. */
export const make = (
  client: HttpClient.HttpClient,
  { label, baseUrl, key, errorIn = Option.none }: Options,
) => {
  const root = String(baseUrl).replace(/\/+$/, "")
  const secret = key === undefined ? "" : Redacted.value(key.value)
  const headers = {
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": userAgent,
    ...(key === undefined ? {} : { [key.header]: secret }),
  }
  // The key is removed from whatever is read, so that no error can repeat it.
  const withoutKey = (text: string): string => (secret === "" ? text : text.replaceAll(secret, "(key)"))

  const timedOutAfter = (seconds: number) =>
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(failure("timed-out", `${label} did not answer within ${seconds} seconds`)),
    })

  const receive = Effect.fnUntraced(function* (path: string, urlParams: UrlParams) {
    const response = yield* client
      .get(root + path, { headers, urlParams })
      .pipe(timedOutAfter(firstByteLimitSeconds))
    const date = DateTime.make(response.headers["date"] ?? "")
    if (Option.isSome(date)) yield* SourceClock.tell(DateTime.toUtc(date.value))
    const tooLarge = failure("malformed", `${label}'s answer is larger than ${answerLimitBytes} bytes`)
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
            ? failure("malformed", `${label}'s answer is empty`)
            : // Only the text of the cause is passed on: the error itself holds the request with its key.
              failure(
                "unreachable",
                `The connection to ${label} failed: ${VendorAnswer.excerpt(withoutKey(textOfCause(reason.cause)))}`,
              ),
        ),
      ),
      // A redirect would carry the key to another host, and vendors need not see our traces.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    )
    const json = yield* Effect.fromResult(VendorAnswer.read(label, errorIn, answer, yield* DateTime.now))
    return yield* VendorAnswer.decode(label, schema, json, "answer")
  })
}

const failure = (reason: PriceSourceError["reason"], detail: string) =>
  new PriceSourceError({ reason, detail })

type UrlParams = Readonly<Record<string, string | number>>

/** After trying several addresses, Node's error has a code but no message. */
const textOfCause = (cause: unknown): string =>
  cause instanceof Error && cause.message === "" && "code" in cause ? String(cause.code) : String(cause)
