/**
 * Small values that a caller keeps for us and returns: encrypted and authenticated (AES-256-GCM), so that nobody else can
 * read, create or change them. No server stores them, so any replica can open what another replica sealed.
 */
import * as Bytes from "effect/Bytes"
import * as Context from "effect/Context"
import * as Aead from "effect/crypto/Aead"
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A kind of value. A value that was sealed for another purpose cannot be opened. */
export interface Purpose<A> {
  readonly name: string
  readonly schema: Schema.Codec<A, unknown>
  /** How long a sealed value can be opened. */
  readonly lifetime: Duration.Duration
}

export class Envelope extends Context.Service<
  Envelope,
  {
    /** Seals `value` for `owner`, who must be named again to open it. */
    readonly seal: <A>(
      purpose: Purpose<A>,
      owner: string,
      value: A,
    ) => Effect.Effect<{ readonly text: string; readonly expiresAt: DateTime.Utc }>

    /** None if `text` was not sealed here for this purpose and owner, or if it has expired. */
    readonly open: <A>(purpose: Purpose<A>, owner: string, text: string) => Effect.Effect<Option.Option<A>>
  }
>()("@btc-price/http/sign-in/Envelope") {}

export interface Options {
  /** The app client that users sign in to. A value that was sealed for another client cannot be opened. */
  readonly client: string
  /**
   * The keys are derived from these secrets: the first key seals, and every key opens. Without secrets, the key is
   * generated here and forgotten when the program stops, so it works with only one replica.
   */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

export const layer = ({ client, secrets }: Options): Layer.Layer<Envelope> =>
  Layer.effect(
    Envelope,
    Effect.gen(function* () {
      const aead = yield* Aead.Aead
      const random = yield* SecureRandom.SecureRandom
      const own = yield* random.randomBytes(keyBytes)
      const [first = own, ...others] = secrets.map((secret) => bytesOf(Redacted.value(secret)))
      const sealing = yield* deriveKey(client, first)
      const opening = [sealing, ...(yield* Effect.forEach(others, (secret) => deriveKey(client, secret)))]

      return Envelope.of({
        seal: Effect.fnUntraced(function* (purpose, owner, value) {
          const expiresAt = DateTime.addDuration(yield* DateTime.now, purpose.lifetime)
          const content = yield* Effect.orDie(Schema.encodeEffect(contentOf(purpose))({ expiresAt, value }))
          // GCM is safe with random nonces for up to 2^32 values under one key.
          const nonce = yield* random.randomBytes(nonceBytes)
          const aad = bindingOf(purpose, owner)
          const sealed = yield* Effect.orDie(aead.encrypt(sealing, bytesOf(content), { nonce, aad }))
          return { text: Base64Url.encode(Bytes.concat([nonce, sealed])), expiresAt }
        }),

        open: Effect.fnUntraced(function* (purpose, owner, text) {
          const bytes =
            text.length > textLengthLimit ? Option.none() : Result.getSuccess(Base64Url.decode(text))
          // Each value has only one text: no padding, no line ends and no unused bits.
          if (Option.isNone(bytes) || Base64Url.encode(bytes.value) !== text) return Option.none()
          const nonce = bytes.value.subarray(0, nonceBytes)
          const sealed = bytes.value.subarray(nonceBytes)
          const aad = bindingOf(purpose, owner)
          const content = yield* Effect.firstSuccessOf(
            opening.map((key) => aead.decrypt(key, sealed, { nonce, aad })),
          ).pipe(Effect.option)
          if (Option.isNone(content)) return Option.none()
          const now = yield* DateTime.now
          return Schema.decodeOption(contentOf(purpose))(new TextDecoder().decode(content.value)).pipe(
            Option.filter(({ expiresAt }) => DateTime.isLessThan(now, expiresAt)),
            Option.map(({ value }) => value),
          )
        }),
      })
    }),
  ).pipe(Layer.provide([Aead.layerWebCrypto, Kdf.layerWebCrypto]), Layer.provide(SecureRandom.layerWebCrypto))

const keyBytes = 32
const nonceBytes = 12

/** The longest text that is opened, in characters. Browsers do not store longer cookies either. */
const textLengthLimit = 4_096

/** HKDF, because a secret is not a key by itself, and must not be used as it is for two purposes. */
const deriveKey = Effect.fnUntraced(function* (client: string, secret: Uint8Array) {
  const kdf = yield* Kdf.Kdf
  const info = bytesOf(JSON.stringify(["btc-price seal", client]))
  const options = { salt: new Uint8Array(), length: keyBytes, info }
  return yield* kdf.derive(Kdf.hkdfSha256, secret, options).pipe(
    Effect.flatMap((bytes) => Aead.key(Aead.aes256Gcm, bytes)),
    Effect.orDie,
  )
})

const contentOf = <A>({ schema }: Purpose<A>) =>
  Schema.fromJsonString(Schema.Struct({ expiresAt: Schema.DateTimeUtcFromMillis, value: schema }))

/** JSON, so that no two pairs have the same text. */
const bindingOf = ({ name }: { readonly name: string }, owner: string) =>
  bytesOf(JSON.stringify([name, owner]))

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
