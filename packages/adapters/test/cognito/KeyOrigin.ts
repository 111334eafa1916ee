/** The address of an issuer's keys, without a socket, so that time passes only on the TestClock. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

export const url = "https://keys.test/jwks.json"

export interface KeyOrigin {
  fetches: number
  /** How it responds from now on. */
  response: Effect.Effect<{ readonly status: number; readonly body: string }>
  readonly client: HttpClient.HttpClient
}

export const make = (response: KeyOrigin["response"]): KeyOrigin => {
  const origin: KeyOrigin = {
    fetches: 0,
    response,
    client: HttpClient.make((request) => {
      assert.strictEqual(request.url, url)
      origin.fetches += 1
      return Effect.map(origin.response, ({ status, body }) =>
        // The body is available at once, because the TestClock does not wait for the promises of a real body.
        Object.defineProperty(HttpClientResponse.fromWeb(request, new Response(null, { status })), "stream", {
          value: Stream.make(new TextEncoder().encode(body)),
        }),
      )
    }),
  }
  return origin
}

export const text = (body: string, status = 200) => Effect.succeed({ status, body })

export const keySet = (...keys: ReadonlyArray<object>) => text(JSON.stringify({ keys }))

export const down = text("down", 503)
