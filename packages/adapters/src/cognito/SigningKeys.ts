/** The public keys that verify an issuer's tokens. */
import { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import * as Fault from "@btc-price/domain/Fault"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { createPublicKey, type webcrypto } from "node:crypto"
import * as AnswerText from "../vendor/AnswerText.ts"

export interface KeySet {
  /** Grows each time the keys are replaced. */
  readonly version: number
  /** Empty while no key may be trusted. */
  readonly keys: ReadonlyArray<SigningKey>
}

export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** The keys to verify tokens with now. Never fails. */
    readonly current: Effect.Effect<KeySet>

    /**
     * Requests a new set because a key is missing, and does not wait for it. Succeeds with whether the current set is
     * complete, so that the missing key cannot be the issuer's. Never fails.
     */
    readonly refresh: Effect.Effect<boolean>
  }
>()("@btc-price/adapters/cognito/SigningKeys") {}

export interface Options {
  /** Where the user pool publishes its keys. */
  readonly jwksUrl: URL | string
}

/** These keys and no others. */
export const layerFixed = (keys: ReadonlyArray<unknown>): Layer.Layer<SigningKeys> =>
  Layer.succeed(SigningKeys, {
    current: Effect.succeed({ version: 1, keys: usable(keys) }),
    refresh: Effect.succeed(true),
  })

/**
 * Fetches a user pool's keys at the start, for at most three seconds, and again every five to ten minutes. Each valid
 * set replaces the previous one and is saved in the SigningKeyStore. While the keys cannot be fetched, the last set is
 * used for 24 hours; after a restart that is the stored set. After 24 hours there are no keys.
 *
 * A set is complete for ten seconds after it was fetched. `refresh` then fetches a new one. However often and by
 * however many callers it is run, fetches are at least ten seconds apart, whether they succeed or not.
 */
export const layer = ({
  jwksUrl,
}: Options): Layer.Layer<SigningKeys, never, HttpClient.HttpClient | SigningKeyStore> =>
  Layer.effect(SigningKeys, follow(String(jwksUrl)))

const follow = Effect.fnUntraced(function* (url: string) {
  const client = yield* HttpClient.HttpClient
  const store = yield* SigningKeyStore
  const current = yield* Ref.make<KeySet>({ version: 0, keys: [] })
  const isComplete = yield* Ref.make(false)
  const fetchedAt = yield* Ref.make<DateTime.Utc | null>(null)
  const requested = yield* Latch.make()
  const fault = Fault.make({
    begun: "The token signing keys could not be fetched",
    ended: "The token signing keys are fetched again",
  })

  const replace = (keys: KeySet["keys"]) =>
    Ref.update(current, ({ version }) => ({ version: version + 1, keys }))

  const fetch = Effect.gen(function* () {
    yield* Latch.close(requested)
    const keys = yield* fetchKeys(client, url)
    const now = yield* DateTime.now
    yield* replace(keys)
    yield* Ref.set(fetchedAt, now)
    yield* Ref.set(isComplete, true)
    yield* fault.end
    yield* Effect.timeout(store.save(url, { keys, fetchedAt: now }), storeLimit).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning("The token signing keys could not be stored for a restart", cause),
      ),
    )
  })

  const restore = Effect.gen(function* () {
    const stored = Option.getOrUndefined(yield* Effect.timeout(store.load(url), storeLimit))
    if (stored === undefined || (yield* isTooOld(stored.fetchedAt))) return
    yield* replace(usable(stored.keys))
    yield* Ref.set(fetchedAt, stored.fetchedAt)
    yield* Effect.logInfo("Verifying tokens with stored signing keys").pipe(
      Effect.annotateLogs("fetched_at", DateTime.formatIso(stored.fetchedAt)),
    )
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("The stored token signing keys could not be read", cause)),
  )

  const fetchOrKeep = Effect.catchCause(
    fetch,
    Effect.fnUntraced(function* (cause) {
      yield* fault.begin(cause)
      const since = yield* Ref.get(fetchedAt)
      if (since === null) yield* restore
      else if (yield* isTooOld(since)) yield* replace([])
    }),
  )

  const pause = Effect.gen(function* () {
    yield* Effect.sleep(shortestPause)
    const succeeded = yield* Ref.getAndSet(isComplete, false)
    if (!succeeded) return
    const rest = Duration.millis(yield* Random.nextIntBetween(restMillis.minimum, restMillis.maximum))
    yield* Effect.raceFirst(Effect.sleep(rest), requested.await)
  })

  yield* fetchOrKeep
  yield* pause.pipe(Effect.andThen(fetchOrKeep), Effect.forever, Effect.forkScoped)
  return { current: Ref.get(current), refresh: Effect.andThen(requested.open, Ref.get(isComplete)) }
})

/** The RSA keys of at least 2048 bits that have a name and are for signatures with RS256. */
const usable = (keys: ReadonlyArray<unknown>): Array<SigningKey> =>
  keys.flatMap((key) => Option.toArray(decodeSigningKey(key)))

/** The shortest time between two fetches. */
const shortestPause = Duration.seconds(10)

/** The further pause while no key is missing: five to ten minutes in all, so that replicas do not fetch together. */
const restMillis = { minimum: 290_000, maximum: 590_000 }

/** How long keys that cannot be fetched again are used. */
const keyLifetime = Duration.hours(24)

/** How long the store may take, so that a slow store does not delay the next fetch. */
const storeLimit = Duration.seconds(3)

const fetchLimitSeconds = 3

const responseLimitBytes = 65_536

const minimumModulusBits = 2_048

const KeySet = Schema.fromJsonString(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))

const modulusBits = Option.liftThrowable(
  (key: webcrypto.JsonWebKey) =>
    createPublicKey({ key, format: "jwk" }).asymmetricKeyDetails?.modulusLength ?? 0,
)

/** `alg` and `use` are optional in the standard. They are required here, so that a key has only one purpose. */
const SigningKey = Schema.Struct({
  kid: Schema.NonEmptyString,
  kty: Schema.Literal("RSA"),
  alg: Schema.Literal("RS256"),
  use: Schema.Literal("sig"),
  n: Schema.NonEmptyString,
  e: Schema.NonEmptyString,
}).check(Schema.makeFilter((key) => Option.exists(modulusBits(key), (bits) => bits >= minimumModulusBits)))
export type SigningKey = typeof SigningKey.Type

const fetchKeys = Effect.fnUntraced(
  function* (client: HttpClient.HttpClient, url: string) {
    const response = yield* client.get(url, { headers: { accept: "application/json" } })
    if (response.status !== 200) return yield* Effect.fail(`The response has status ${response.status}`)
    const text = yield* AnswerText.read(
      response,
      responseLimitBytes,
      `The response is larger than ${responseLimitBytes} bytes`,
    )
    const keySet = yield* Effect.mapError(decodeKeySet(text), () => "The response is not a JSON Web Key Set")
    // Keys of other kinds are skipped, so that the issuer may add them.
    const keys = usable(keySet.keys)
    return keys.length > 0 ? keys : yield* Effect.fail("The response has no usable key")
  },
  Effect.timeout(Duration.seconds(fetchLimitSeconds)),
  // A key at another address is not the issuer's.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  Effect.provideService(HttpClient.TracerPropagationEnabled, false),
)

const decodeKeySet = Schema.decodeEffect(KeySet)

const decodeSigningKey = Schema.decodeUnknownOption(SigningKey)

/** Keys of the future, which a clock that was set back leaves behind, do not outlast others. */
const isTooOld = (fetchedAt: DateTime.Utc) =>
  Effect.map(DateTime.now, (now) =>
    Duration.isGreaterThanOrEqualTo(Duration.abs(DateTime.distance(fetchedAt, now)), keyLifetime),
  )
