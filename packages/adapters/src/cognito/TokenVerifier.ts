/** Verifies the tokens of a Cognito user pool, and closes what aws-jwt-verify leaves open. */
import { AuthenticatorError, type Identity } from "@btc-price/domain/access/Authenticator"
import { CognitoJwtVerifier } from "aws-jwt-verify/cognito-verifier"
import { JwksNotAvailableInCacheError, JwtBaseError, KidNotFoundInJwksError } from "aws-jwt-verify/error"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { LRUCache } from "lru-cache"
import { hash } from "node:crypto"
import type { SigningKeyStore } from "../../../domain/src/access/SigningKeyStore.ts"
import * as SigningKeys from "./SigningKeys.ts"
import * as TokenClaims from "./TokenClaims.ts"

export class TokenVerifier extends Context.Service<
  TokenVerifier,
  {
    /** As the Authenticator's. */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<Identity, AuthenticatorError>
    /** Fails as `verify` does when it is no good ID token, whatever tokens are accepted and whoever is let in. */
    readonly verifyIdToken: (token: Redacted.Redacted) => Effect.Effect<void, AuthenticatorError>
    /**
     * Refuses from now on, in this process, the ID or access token and all others of the same sign-in, whatever tokens
     * are accepted. One that is no good is left alone. Fails as `unavailable` only.
     */
    readonly deny: (token: Redacted.Redacted) => Effect.Effect<void, AuthenticatorError>
  }
>()("@btc-price/adapters/cognito/TokenVerifier") {}

export interface Options extends TokenClaims.Rules {
  /** For emulators; AWS's unless given. */
  readonly jwksUrl?: URL | string | undefined
}

/** One for all that have to do with the user pool, so that its keys are fetched once. */
export const layer = (
  options: Options,
): Layer.Layer<TokenVerifier, never, HttpClient.HttpClient | SigningKeyStore> => {
  const { userPoolId, jwksUrl = CognitoJwtVerifier.parseUserPoolId(userPoolId).jwksUri } = options
  return Layer.effect(TokenVerifier, fromUrl(options, String(jwksUrl)))
}

/** Verifies by the JSON Web Keys `keys` and no others. */
export const fromKeys = (
  rules: TokenClaims.Rules,
  keys: ReadonlyArray<unknown>,
): TokenVerifier["Service"] => {
  const { use, tokenVerifier } = make(rules)
  use({ keys: SigningKeys.usable(keys) })
  return tokenVerifier(Effect.succeed(true))
}

/**
 * Verifies by the keys at `url`, which are kept fresh in the background for as long as the scope is open. The
 * first fetch, of at most three seconds, is over when this succeeds, whether it worked or not.
 */
export const fromUrl = Effect.fnUntraced(function* (
  rules: TokenClaims.Rules,
  url: string,
): Effect.fn.Return<TokenVerifier["Service"], never, HttpClient.HttpClient | SigningKeyStore | Scope.Scope> {
  const { use, tokenVerifier } = make(rules)
  return tokenVerifier(yield* SigningKeys.follow(url, use))
})

/** A longer token is refused unread, in characters. Cognito's have about 1,000. */
const tokenLengthLimit = 8_192

/** How many verified tokens are remembered; those used least lately go first. */
const cacheCapacity = 10_000

/** How many sign-ins are remembered as revoked. More than 24 hours, the longest life of a token, none is needed. */
const denialCapacity = 100_000

const makeVerifier = ({ userPoolId, clientId, machineClientIds }: TokenClaims.Rules) =>
  CognitoJwtVerifier.create({
    userPoolId,
    // Both kinds of token and all clients, for which the library looks at `aud` or `client_id` as the kind wants it;
    // the claims say the rest.
    clientId: [clientId, ...machineClientIds],
    tokenUse: null,
    // The library reads the system's clock, whereas all else here follows Effect's. An endless grace makes its
    // two comparisons (exp + grace < now, nbf - grace > now) always false; the claims' own are stricter: the library
    // takes a token without any exp.
    graceSeconds: Number.POSITIVE_INFINITY,
    // Runs after the signature was found good, and may only throw.
    customJwtCheck: ({ header, payload }) => {
      if (!TokenClaims.isHeader(header, payload["token_use"])) throw new JwtHeaderError()
    },
  })

const make = (rules: TokenClaims.Rules) => {
  const verifier = makeVerifier(rules)
  /** What was found of tokens, by their SHA-256; their times and revocation are looked at each time all the same. */
  const cache = new LRUCache<string, TokenClaims.Claims>({ max: cacheCapacity })
  const denied = new LRUCache<string, true>({ max: denialCapacity })
  let keyNames: ReadonlySet<unknown> = new Set()

  /** `isComplete`: whether the keys are all that there are now. */
  const tokenVerifier = (isComplete: Effect.Effect<boolean>): TokenVerifier["Service"] => {
    /** What to say of a token that the library does not take. */
    const explain = Effect.fnUntraced(function* (error: unknown) {
      if (isMissingKey(error)) return (yield* isComplete) ? foreignKey : keyUnavailable
      // What is no verdict on the token is a defect, never an acceptance. Of a verdict only the class is told,
      // because its text repeats what an attacker chose.
      return error instanceof JwtBaseError ? refused(error.constructor.name) : yield* Effect.die(error)
    })

    const readNew = Effect.fnUntraced(function* (token: string, wanted: TokenClaims.Rules) {
      if (!hasOneSpelling(token)) return yield* refused("The signature is not canonical base64url")
      // The library would come to the same, but a flood of such tokens is to cost less than that.
      if (!keyNames.has(keyNameIn(token)) && (yield* isComplete)) return yield* foreignKey
      const payload = yield* Effect.try({
        try: (): unknown => verifier.verifySync(token),
        catch: (error) => error,
      }).pipe(Effect.catch((error) => Effect.flatMap(explain(error), Effect.fail)))
      return (
        TokenClaims.read(payload, wanted) ?? (yield* refused("A claim is missing, malformed or another's"))
      )
    })

    const readKnown = Effect.fnUntraced(function* (token: string) {
      const key = hash("sha256", token, "base64url")
      const known = cache.get(key)
      if (known !== undefined) return known
      const claims = yield* readNew(token, rules)
      cache.set(key, claims)
      return claims
    })

    /** Fails when the claims that `read` makes of the token are not good now. */
    const timely = Effect.fnUntraced(function* (
      token: Redacted.Redacted,
      read: (text: string) => Effect.Effect<TokenClaims.Claims, AuthenticatorError>,
    ) {
      const text = Redacted.value(token)
      if (text.length > tokenLengthLimit) return yield* refused(`Longer than ${tokenLengthLimit} characters`)
      const claims = yield* read(text)
      const nowSeconds = (yield* Clock.currentTimeMillis) / 1_000
      if (!TokenClaims.isTimely(claims, nowSeconds))
        return yield* refused("Expired, not valid yet or too long")
      return denied.has(claims.signInId) ? yield* refused("Revoked") : claims
    })

    return {
      verify: Effect.fn("Authenticator.verify")(function* (token) {
        const { identity, isAdmitted } = yield* timely(token, readKnown)
        return isAdmitted ? identity : yield* notAdmitted
      }),
      verifyIdToken: (token) =>
        Effect.asVoid(timely(token, (text) => readNew(text, { ...rules, ...TokenClaims.anyUsersIdToken }))),
      deny: (token) =>
        timely(token, (text) => readNew(text, { ...rules, tokenUse: "either" })).pipe(
          Effect.map(({ signInId }) => void denied.set(signInId, true)),
          Effect.catchIf(
            ({ reason }) => reason === "invalid-token",
            () => Effect.void,
          ),
        ),
    }
  }

  return {
    tokenVerifier,
    /** Verifies by these from now on; nothing that a withdrawn key had signed stays. */
    use: (keys: Parameters<typeof verifier.cacheJwks>[0]): void => {
      verifier.cacheJwks(keys)
      keyNames = new Set(keys.keys.map(({ kid }) => kid))
      cache.clear()
    },
  }
}

class JwtHeaderError extends JwtBaseError {}

/**
 * The signature does not cover its own spelling: padding, and the bits that its last character has to spare,
 * would give one token many texts.
 */
const hasOneSpelling = (token: string): boolean => {
  const signature = token.slice(token.lastIndexOf(".") + 1)
  return Buffer.from(signature, "base64url").toString("base64url") === signature
}

/** The name of its key (`kid`) as an unverified token has it, if it has any. */
const keyNameIn = (token: string): unknown => Option.getOrUndefined(headerIn(token))?.kid

const headerIn = Option.liftThrowable((token: string): { readonly kid?: unknown } | null =>
  JSON.parse(Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString()),
)

const isMissingKey = (error: unknown): boolean =>
  error instanceof KidNotFoundInJwksError || error instanceof JwksNotAvailableInCacheError

const refused = (detail: string) => new AuthenticatorError({ reason: "invalid-token", detail })

/** Made once, like the next ones, because a flood may bring it about. */
const foreignKey = refused("Signed with a key that is not the user pool's")

const notAdmitted = new AuthenticatorError({
  reason: "insufficient-scope",
  detail: "Neither the scope nor the group that is needed",
})

const keyUnavailable = new AuthenticatorError({
  reason: "unavailable",
  detail: "The token's key is not at hand; keys are being fetched",
})
