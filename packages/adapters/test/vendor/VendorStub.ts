/** An HTTP client whose requests a function answers in place of a vendor. */
import type { Quotes } from "@btc-price/domain/PriceSource"
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"

/** A recorded or documented body, byte for byte, such as `kraken/ticker_XXBTZEUR.json`. */
export const recorded = (file: string): string =>
  readFileSync(new URL(`../recordings/${file}`, import.meta.url), "utf8")

export type Respond = (request: HttpClientRequest, url: URL) => Response

export const json =
  (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Respond =>
  () =>
    new Response(body, { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } })

export const page =
  (
    body: string,
    status: number,
    contentType = "text/html",
    headers: Readonly<Record<string, string>> = {},
  ): Respond =>
  () =>
    new Response(body, { status, headers: { "content-type": contentType, ...headers } })

/** A client whose requests are answered by `respond`. */
export const client = (
  respond: (...args: Parameters<Respond>) => Effect.Effect<Response>,
): Layer.Layer<HttpClient.HttpClient> =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request, url) =>
      Effect.map(respond(request, url), (response) => HttpClientResponse.fromWeb(request, response)),
    ),
  )

/** A call with an adapter whose requests are answered by `respond`. */
export const ask = <S, E, R, A>(
  respond: Respond,
  make: Effect.Effect<S, never, R>,
  call: (adapter: S) => Effect.Effect<A, E>,
) => Effect.flatMap(make, call).pipe(Effect.provide(client((...args) => Effect.sync(() => respond(...args)))))

/** Controls a stub. {@link layer} provides it together with the client. */
export class VendorStub extends Context.Service<
  VendorStub,
  {
    /** Makes the next answer a server error. */
    readonly failNext: Effect.Effect<void>
    /** The number of requests received. */
    readonly calls: Effect.Effect<number>
  }
>()("@btc-price/adapters/test/VendorStub") {}

export const layer = (respond: Respond): Layer.Layer<HttpClient.HttpClient | VendorStub> =>
  Layer.unwrap(
    Effect.sync(() => {
      let [calls, failing] = [0, false]
      const answer: Respond = (...args) => {
        const isFailing = failing
        calls++
        failing = false
        return isFailing ? new Response("", { status: 503 }) : respond(...args)
      }
      return Layer.merge(
        client((...args) => Effect.sync(() => answer(...args))),
        Layer.succeed(VendorStub, {
          failNext: Effect.sync(() => void (failing = true)),
          calls: Effect.sync(() => calls),
        }),
      )
    }),
  )

/** What the suites of ports need from a stub. */
export const control = {
  failNext: Effect.flatMap(VendorStub, ({ failNext }) => failNext),
  calls: Effect.flatMap(VendorStub, ({ calls }) => calls),
}

/** The amounts, or the reasons why there is no amount, by currency. */
export const summary = ({ quotes, missing }: Quotes): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...quotes.map(({ currency, amount }) => [currency, BigDecimal.format(BigDecimal.normalize(amount))]),
    ...missing.map(({ currency, reason }) => [currency, reason]),
  ])
