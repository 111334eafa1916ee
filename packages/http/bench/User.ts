/** The user of the benchmarks. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"

export const user = { username: "bench", password: Redacted.make("bench") }

/** Signs in at the API at `address` and returns the ID token. */
export const signIn = Effect.fnUntraced(function* (address: string) {
  const { username, password } = user
  const response = yield* HttpClientRequest.post(`${address}/get_token`).pipe(
    HttpClientRequest.bodyJsonUnsafe({ username, password: Redacted.value(password) }),
    HttpClient.execute,
  )
  return ((yield* response.json) as { readonly id_token: string }).id_token
})
