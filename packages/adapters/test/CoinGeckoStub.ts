/** CoinGecko's adapter with an HTTP client that is answered by a function, or by the replay. */
import * as CoinGeckoPriceSource from "@btc-price/adapters/CoinGeckoPriceSource"
import { CoinGeckoReplay, layer as replayLayer } from "@btc-price/adapters/CoinGeckoReplay"
import type { Currency } from "@btc-price/domain/Currency"
import { PriceSource, type PriceSourceError, type Quotes } from "@btc-price/domain/PriceSource"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"

/** A recorded body, byte for byte. */
export const recorded = (file: string): string =>
  readFileSync(new URL(`recordings/coingecko/${file}`, import.meta.url), "utf8")

export const key = "CG-0123456789abcdefghijklmn"

export const keyless: CoinGeckoPriceSource.Options = { plan: "keyless" }

export const demo: CoinGeckoPriceSource.Options = { plan: "demo", apiKey: Redacted.make(key) }

export type Respond = (request: HttpClientRequest, url: URL) => Response

export const json =
  (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Respond =>
  () =>
    new Response(body, { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } })

export const page =
  (body: string, status: number, contentType = "text/html"): Respond =>
  () =>
    new Response(body, { status, headers: { "content-type": contentType } })

export const layer = (
  respond: (...args: Parameters<Respond>) => Effect.Effect<Response>,
  options = keyless,
): Layer.Layer<PriceSource> =>
  CoinGeckoPriceSource.layer(options).pipe(
    Layer.provide(
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request, url) =>
          Effect.map(respond(request, url), (response) => HttpClientResponse.fromWeb(request, response)),
        ),
      ),
    ),
  )

/** A call of the source whose requests are answered by `respond`. */
export const ask = <A, E>(
  respond: Respond,
  call: (source: PriceSource["Service"]) => Effect.Effect<A, E>,
  options = keyless,
): Effect.Effect<A, E> =>
  Effect.flatMap(PriceSource, call).pipe(
    Effect.provide(layer((...args) => Effect.sync(() => respond(...args)), options)),
  )

export const current = (
  respond: Respond,
  currencies: ReadonlyArray<Currency> = ["EUR"],
  options = keyless,
): Effect.Effect<Quotes, PriceSourceError> => ask(respond, (source) => source.current(currencies), options)

/** The adapter and the replay, with a real HTTP client and a socket between them. */
export const overSocket = Layer.unwrap(
  Effect.map(CoinGeckoReplay, ({ baseUrl }) =>
    CoinGeckoPriceSource.layer({ plan: "keyless", baseUrl, source: "replay" }),
  ),
).pipe(Layer.provideMerge(replayLayer()), Layer.provide(NodeHttpClient.layerUndici))

/** The amounts, and the reasons where there is none, by currency. */
export const summary = ({ quotes, missing }: Quotes): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...quotes.map(({ currency, amount }) => [currency, BigDecimal.format(BigDecimal.normalize(amount))]),
    ...missing.map(({ currency, reason }) => [currency, reason]),
  ])
