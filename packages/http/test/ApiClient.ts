/** Calls the API as its users do. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schedule from "effect/Schedule"

export const get = Effect.fnUntraced(function* (url: string, token = "") {
  const response = yield* HttpClient.execute(
    HttpClientRequest.get(url).pipe(HttpClientRequest.bearerToken(token)),
  )
  return { status: response.status, body: (yield* response.json) as any }
})

/** Asks until the answer is as wanted; the test's own limit bounds it. */
export const getUntil = (
  url: string,
  token: string,
  until: (answer: Effect.Success<ReturnType<typeof get>>) => boolean,
) => get(url, token).pipe(Effect.repeat({ schedule: Schedule.spaced("50 millis"), until }))

export const signIn = Effect.fnUntraced(function* (url: string, username: string, password: string) {
  const response = yield* HttpClient.execute(
    HttpClientRequest.post(`${url}/get_token`).pipe(HttpClientRequest.bodyJsonUnsafe({ username, password })),
  )
  assert.strictEqual(response.status, 200)
  return ((yield* response.json) as { readonly id_token: string }).id_token
})
