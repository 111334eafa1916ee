/** Verifies the tokens of a user pool on this machine, and closes what aws-jwt-verify leaves open. */
import { Authenticator, AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import { JwksNotAvailableInCacheError, JwtBaseError, KidNotFoundInJwksError } from "aws-jwt-verify/error"
import { JwtVerifier } from "aws-jwt-verify/jwt-verifier"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { LRUCache } from "lru-cache"
import { hash } from "node:crypto"
import * as CognitoRegion from "./CognitoRegion.ts"
import { SigningKeys } from "./SigningKeys.ts"
import * as TokenClaims from "./TokenClaims.ts"

/** The Authenticator. It remembers which tokens it has verified until the keys change. */
export const layer = (rules: TokenClaims.Rules): Layer.Layer<Authenticator, never, SigningKeys> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const signingKeys = yield* SigningKeys
      const read = yield* makeReader(rules)
      const readEither = yield* makeReader({ ...rules, tokenUse: "either" })
      /** Claims by the SHA-256 of their token. Their times and denials are checked on each use. */
      const verified = new LRUCache<string, TokenClaims.Claims>(atMost(cacheCapacity))
      const denied = new LRUCache<string, true>(atMost(denialCapacity))
      let version = 0

      const readOnce: Reader = Effect.fnUntraced(function* (token) {
        const current = (yield* signingKeys.current).version
        // A token that a withdrawn key signed must not stay verified.
        if (current > version) {
          version = current
          verified.clear()
        }
        const key = hash("sha256", token, "base64url")
        const known = verified.get(key)
        if (known !== undefined) return known
        const claims = yield* read(token)
        if (current === version) verified.set(key, claims)
        return claims
      })

      return Authenticator.of({
        verify: Effect.fn("Authenticator.verify")(function* (token) {
          const { identity, isAdmitted, signInId } = yield* readTimely(token, readOnce)
          if (denied.has(signInId)) return yield* invalid("Revoked")
          return isAdmitted ? identity : yield* notAdmitted
        }),

        deny: Effect.fn("Authenticator.deny")(function* (token) {
          yield* readTimely(token, readEither).pipe(
            Effect.map(({ signInId }) => void denied.set(signInId, true)),
            Effect.catchIf(
              (error) => error.reason === "invalid-token",
              () => Effect.void,
            ),
          )
        }),
      })
    }),
  )

/** Fails unless a token is any user's valid ID token, and remembers nothing. */
export const makeIdTokenCheck = (
  audience: Pick<TokenClaims.Rules, "userPoolId" | "replicaRegions" | "clientId">,
) =>
  Effect.map(
    makeReader({ ...audience, ...TokenClaims.anyUsersIdToken }),
    (read) => (token: Redacted.Redacted) => Effect.asVoid(readTimely(token, read)),
  )

/** The longest token that is read, in characters: as long as all headers. Cognito's have about 1,000, or 30 more per group. */
const tokenLengthLimit = 16_384

/** How many verified tokens are remembered. The least recently used is forgotten first. */
const cacheCapacity = 10_000

/** How many denied sign-ins are remembered. Each is needed for 24 hours, the longest lifetime of a token. */
const denialCapacity = 100_000

/** Unlike `max`, `maxSize` reserves no memory before it is used. */
const atMost = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 })

type Failure = AuthenticatorError<"invalid-token"> | AuthenticatorError<"unavailable">

/** The claims of a token whose signature, header and claims meet the rules. Does not check the times. */
type Reader = (token: string) => Effect.Effect<TokenClaims.Claims, Failure>

const makeReader = Effect.fnUntraced(function* (
  rules: TokenClaims.Rules,
): Effect.fn.Return<Reader, never, SigningKeys> {
  const signingKeys = yield* SigningKeys
  const issuers = CognitoRegion.issuersOf(rules.userPoolId, rules.replicaRegions)
  const verifier = makeVerifier(issuers)
  let version = -1
  let keyNames: ReadonlySet<unknown> = new Set()

  const useCurrentKeys = Effect.map(signingKeys.current, (current) => {
    if (current.version <= version) return
    version = current.version
    keyNames = new Set(current.keys.map(({ kid }) => kid))
    // All issuers share the pool's keys.
    for (const issuer of issuers) verifier.cacheJwks({ keys: [...current.keys] }, issuer)
  })

  const missingKey = Effect.map(signingKeys.refresh, (isComplete) =>
    isComplete ? foreignKey : keyUnavailable,
  )

  /** Why the library refuses a token. */
  const explain = Effect.fnUntraced(function* (error: unknown) {
    if (isMissingKey(error)) return yield* missingKey
    // Anything other than a verdict on the token is a defect, and never lets the token in. Only the class of a verdict
    // is logged, because its text repeats what an attacker chose.
    return error instanceof JwtBaseError ? invalid(error.constructor.name) : yield* Effect.die(error)
  })

  return Effect.fnUntraced(function* (token) {
    yield* useCurrentKeys
    if (!hasCanonicalSignature(token)) return yield* invalid("The signature is not canonical base64url")
    // The library would refuse the token too, but a flood of such tokens must cost less than that.
    if (!keyNames.has(keyNameIn(token))) {
      const error = yield* missingKey
      if (error.reason === "invalid-token") return yield* error
    }
    const payload = yield* Effect.try({
      try: (): unknown => verifier.verifySync(token),
      catch: (error) => error,
    }).pipe(Effect.catch((error) => Effect.flatMap(explain(error), Effect.fail)))
    return (
      TokenClaims.read(payload, rules) ??
      (yield* invalid("A claim is missing, malformed or for somebody else"))
    )
  })
})

interface VerifiedToken {
  readonly header: unknown
  readonly payload: Readonly<Record<string, unknown>>
}

/** The library's verifier for Cognito knows only the issuers of AWS's first partition, and checks no more than this. */
const makeVerifier = (issuers: ReadonlyArray<string>) =>
  JwtVerifier.create(
    issuers.map((issuer) => ({
      issuer,
      // TokenClaims compares it, and `client_id`, which access tokens have in its place.
      audience: null,
      // Never fetched: the keys come from SigningKeys.
      jwksUri: `${issuer}/.well-known/jwks.json`,
      // The library reads the system's clock, whereas everything else here follows Effect's. An endless grace period
      // makes its two comparisons (exp + grace < now, nbf - grace > now) always false. TokenClaims' own checks are
      // stricter: the library accepts a token without any exp.
      graceSeconds: Number.POSITIVE_INFINITY,
      // Runs after the signature was verified, and can only throw.
      customJwtCheck: ({ header, payload }: VerifiedToken) => {
        if (!TokenClaims.isHeader(header, payload["token_use"])) throw new JwtHeaderError()
      },
    })),
  )

class JwtHeaderError extends JwtBaseError {}

/** Fails unless the claims that `read` returns are valid at this moment. */
const readTimely = Effect.fnUntraced(function* (token: Redacted.Redacted, read: Reader) {
  const text = Redacted.value(token)
  if (text.length > tokenLengthLimit) return yield* invalid(`Longer than ${tokenLengthLimit} characters`)
  const claims = yield* read(text)
  const nowSeconds = (yield* Clock.currentTimeMillis) / 1_000
  return TokenClaims.isTimely(claims, nowSeconds)
    ? claims
    : yield* invalid("Expired, not valid yet, or valid for too long")
})

/**
 * The signature does not cover its own spelling: padding, and the unused bits of its last character, would give one
 * token many texts.
 */
const hasCanonicalSignature = (token: string): boolean => {
  const signature = token.slice(token.lastIndexOf(".") + 1)
  return Buffer.from(signature, "base64url").toString("base64url") === signature
}

/** The key name (`kid`) in the header of an unverified token; undefined without one. */
const keyNameIn = (token: string): unknown => Option.getOrUndefined(headerIn(token))?.kid

const headerIn = Option.liftThrowable((token: string): { readonly kid?: unknown } | null =>
  JSON.parse(Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString()),
)

const isMissingKey = (error: unknown): boolean =>
  error instanceof KidNotFoundInJwksError || error instanceof JwksNotAvailableInCacheError

const invalid = (detail: string) => new AuthenticatorError({ reason: "invalid-token", detail })

/** Created once, like the next two, because a flood of tokens may cause it. */
const foreignKey = invalid("Signed with a key that is not the user pool's")

const notAdmitted = new AuthenticatorError({
  reason: "insufficient-scope",
  detail: "The token has neither the required scope nor the required group",
})

const keyUnavailable = new AuthenticatorError({
  reason: "unavailable",
  detail: "The token's key is not available; the keys are being fetched",
})
