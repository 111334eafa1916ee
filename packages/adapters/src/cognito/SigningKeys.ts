/** The public keys that an issuer signs its tokens with, kept fresh in the background. */
import type { Jwks } from "aws-jwt-verify/jwk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { createPublicKey, type webcrypto } from "node:crypto"
import * as AnswerText from "../vendor/AnswerText.ts"
import { SigningKeyStore } from "../../../domain/src/access/SigningKeyStore.ts"

/**
 * Fetches the keys at `url` now, and again every five to ten minutes for as long as the scope is open. Each good
 * set goes to `use`, in place of the one before, and to the SigningKeyStore. While none can be had the last one
 * serves for 24 hours, which after a restart is the stored one; then `use` gets an empty one.
 *
 * Succeeds with an effect to run when a key is not in the set. It tells whether the set is complete, because it
 * was fetched within the last ten seconds, and otherwise has a new one fetched without waiting for it. However
 * often and by however many it is run, fetches are ten seconds apart, whether they work or not.
 */
export const follow = Effect.fnUntraced(function* (
  url: string,
  use: (keys: Jwks) => void,
): Effect.fn.Return<Effect.Effect<boolean>, never, HttpClient.HttpClient | SigningKeyStore | Scope.Scope> {
  const client = yield* HttpClient.HttpClient
  const store = yield* SigningKeyStore
  const wanted = yield* Latch.make()
  const complete = yield* Ref.make(false)
  const fetchedAt = yield* Ref.make<DateTime.Utc | null>(null)

  const renew = Effect.gen(function* () {
    yield* Latch.close(wanted)
    const { keys } = yield* fetchKeys(client, url)
    const now = yield* DateTime.now
    use({ keys })
    yield* Ref.set(fetchedAt, now)
    yield* Ref.set(complete, true)
    yield* Effect.timeout(store.save(url, { keys, fetchedAt: now }), storeLimit).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning("The token signing keys could not be kept for a restart", cause),
      ),
    )
  })

  const restore = Effect.gen(function* () {
    const kept = Option.getOrUndefined(yield* Effect.timeout(store.load(url), storeLimit))
    if (kept === undefined || (yield* isTooOld(kept.fetchedAt))) return
    use({ keys: usable(kept.keys) })
    yield* Ref.set(fetchedAt, kept.fetchedAt)
    yield* Effect.logInfo("Verifies tokens by kept signing keys").pipe(
      Effect.annotateLogs("fetchedAt", DateTime.formatIso(kept.fetchedAt)),
    )
  }).pipe(Effect.catchCause((cause) => Effect.logWarning("No kept token signing keys can be read", cause)))

  const refresh = Effect.catchCause(
    renew,
    Effect.fnUntraced(function* (cause) {
      yield* Effect.logWarning("The token signing keys could not be fetched", cause)
      const since = yield* Ref.get(fetchedAt)
      if (since === null) yield* restore
      else if (yield* isTooOld(since)) use({ keys: [] })
    }),
  )

  const rest = Effect.gen(function* () {
    yield* Effect.sleep(pauseAtLeast)
    const worked = yield* Ref.getAndSet(complete, false)
    if (!worked) return
    const pause = Duration.millis(yield* Random.nextIntBetween(pauseMillis.least, pauseMillis.most))
    yield* Effect.raceFirst(Effect.sleep(pause), wanted.await)
  })

  yield* refresh
  yield* rest.pipe(Effect.andThen(refresh), Effect.forever, Effect.forkScoped)
  return Effect.andThen(wanted.open, Ref.get(complete))
})

/** Those of `keys` that are RSA keys of 2048 bits or more, named and meant for signatures with RS256. */
export const usable = (keys: ReadonlyArray<unknown>): Array<SigningKey> =>
  keys.flatMap((key) => Option.toArray(decodeSigningKey(key)))

/** The shortest time from one fetch to the next. */
const pauseAtLeast = Duration.seconds(10)

/** What passes beyond that when no key is missed: five to ten minutes in all, so that replicas do not ask together. */
const pauseMillis = { least: 290_000, most: 590_000 }

/** How long keys serve that cannot be renewed. */
const serviceLimit = Duration.hours(24)

/** How long the store may take, which is none of a fetch's business. */
const storeLimit = Duration.seconds(3)

const fetchLimitSeconds = 3

const answerLimitBytes = 65_536

const modulusAtLeastBits = 2_048

const KeySet = Schema.fromJsonString(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))

const modulusBits = Option.liftThrowable(
  (key: webcrypto.JsonWebKey) =>
    createPublicKey({ key, format: "jwk" }).asymmetricKeyDetails?.modulusLength ?? 0,
)

/** `alg` and `use` are optional in the standard. Here they must be there, so that a key serves one purpose. */
const SigningKey = Schema.Struct({
  kid: Schema.NonEmptyString,
  kty: Schema.Literal("RSA"),
  alg: Schema.Literal("RS256"),
  use: Schema.Literal("sig"),
  n: Schema.NonEmptyString,
  e: Schema.NonEmptyString,
}).check(Schema.makeFilter((key) => Option.exists(modulusBits(key), (bits) => bits >= modulusAtLeastBits)))
type SigningKey = typeof SigningKey.Type

const fetchKeys = Effect.fnUntraced(
  function* (client: HttpClient.HttpClient, url: string) {
    const response = yield* client.get(url, { headers: { accept: "application/json" } })
    if (response.status !== 200) return yield* Effect.fail(`The answer has status ${response.status}`)
    const text = yield* AnswerText.read(
      response,
      answerLimitBytes,
      `The answer is larger than ${answerLimitBytes} bytes`,
    )
    const keySet = yield* Effect.mapError(decodeKeySet(text), () => "The answer is not a JSON Web Key Set")
    // Keys of other kinds do no harm, so that the issuer may add some.
    const keys = usable(keySet.keys)
    return keys.length > 0 ? { keys } : yield* Effect.fail("The answer has no usable key")
  },
  Effect.timeout(Duration.seconds(fetchLimitSeconds)),
  // A key that lies elsewhere is not the issuer's.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  Effect.provideService(HttpClient.TracerPropagationEnabled, false),
)

const decodeKeySet = Schema.decodeEffect(KeySet)

const decodeSigningKey = Schema.decodeUnknownOption(SigningKey)

const isTooOld = (fetchedAt: DateTime.Utc) =>
  Effect.map(DateTime.now, (now) =>
    Duration.isGreaterThanOrEqualTo(DateTime.distance(fetchedAt, now), serviceLimit),
  )
