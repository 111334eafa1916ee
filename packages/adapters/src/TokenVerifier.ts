/** Verifies the ID tokens of a Cognito user pool, and closes what aws-jwt-verify leaves open. */
import { type Authenticator, AuthenticatorError, type Identity } from "@btc-price/domain/Authenticator"
import { CognitoJwtVerifier } from "aws-jwt-verify/cognito-verifier"
import { JwksNotAvailableInCacheError, JwtBaseError, KidNotFoundInJwksError } from "aws-jwt-verify/error"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SigningKeys from "./SigningKeys.ts"

/** Whose tokens are accepted. */
export interface Audience {
  /** Such as `eu-central-1_AbCdEfGhI`. Both forms of the issuer that Cognito writes follow from it. */
  readonly userPoolId: string
  readonly clientId: string
}

export type Verify = Authenticator["Service"]["verify"]

/** Verifies by the JSON Web Keys `keys` and no others. */
export const fromKeys = (audience: Audience, keys: ReadonlyArray<unknown>): Verify => {
  const verifier = makeVerifier(audience)
  verifier.cacheJwks({ keys: SigningKeys.usable(keys) })
  return makeVerify(verifier, Effect.succeed(true))
}

/**
 * Verifies by the keys at `url`, which are kept fresh in the background for as long as the scope is open. The
 * first fetch, of at most three seconds, is over when this succeeds, whether it worked or not.
 */
export const fromUrl = Effect.fnUntraced(function* (
  audience: Audience,
  url: string,
): Effect.fn.Return<Verify, never, HttpClient.HttpClient | Scope.Scope> {
  const verifier = makeVerifier(audience)
  const isComplete = yield* SigningKeys.follow(url, (keys) => verifier.cacheJwks(keys))
  return makeVerify(verifier, isComplete)
})

/** A longer token is refused unread, in characters. Cognito's have about 1,000. */
const tokenLengthLimit = 8_192

/** The longest life of a token, in seconds, which is the longest that Cognito can be set to. */
const lifetimeLimitSeconds = 86_400

/** How far ahead of ours the issuer's clock may be, in seconds. An expired token gets no such grace. */
const clockSkewLimitSeconds = 60

/** What a header must be. No extension is understood here, so a token that marks one as critical is refused. */
const Header = Schema.Struct({
  alg: Schema.Literal("RS256"),
  typ: Schema.optionalKey(Schema.Literal("JWT")),
  crit: Schema.optionalKey(Schema.Never),
})

const Claims = Schema.Struct({
  sub: Schema.NonEmptyString,
  "cognito:username": Schema.NonEmptyString,
  iat: Schema.Finite,
  exp: Schema.Finite,
  nbf: Schema.optionalKey(Schema.Finite),
})

const makeVerifier = ({ userPoolId, clientId }: Audience) =>
  CognitoJwtVerifier.create({
    userPoolId,
    clientId,
    tokenUse: "id",
    // The library reads the system's clock, whereas all else here follows Effect's. An endless grace makes its
    // two comparisons (exp + grace < now, nbf - grace > now) always false; isTimely makes ours, which are
    // stricter: the library takes a token without any exp.
    graceSeconds: Number.POSITIVE_INFINITY,
    // Runs after the signature was found good, and may only throw.
    customJwtCheck: ({ header }) => {
      if (!isHeader(header)) throw new JwtHeaderError()
    },
  })

const makeVerify = (
  verifier: Pick<ReturnType<typeof makeVerifier>, "verifySync">,
  isComplete: Effect.Effect<boolean>,
): Verify => {
  const explain = Effect.fnUntraced(function* (error: unknown) {
    if (isMissingKey(error)) {
      return (yield* isComplete) ? refused("Signed with a key that is not the user pool's") : keyUnavailable()
    }
    // What is no verdict on the token is a defect, never an acceptance. Of a verdict only the class is told,
    // because its text repeats what an attacker chose.
    return error instanceof JwtBaseError ? refused(error.constructor.name) : yield* Effect.die(error)
  })

  return Effect.fn("Authenticator.verify")(function* (credential): Effect.fn.Return<
    Identity,
    AuthenticatorError
  > {
    const token = Redacted.value(credential)
    if (token.length > tokenLengthLimit) return yield* refused(`Longer than ${tokenLengthLimit} characters`)
    if (!hasOneSpelling(token)) return yield* refused("The signature is not canonical base64url")
    const payload = yield* Effect.try({
      try: (): unknown => verifier.verifySync(token),
      catch: (error) => error,
    }).pipe(Effect.catch((error) => Effect.flatMap(explain(error), Effect.fail)))
    const claims = decodeClaims(payload)
    if (Option.isNone(claims)) return yield* refused("A claim is missing or malformed")
    const nowSeconds = (yield* Clock.currentTimeMillis) / 1_000
    if (!isTimely(claims.value, nowSeconds)) return yield* refused("Expired, not valid yet or valid too long")
    const { sub: subject, "cognito:username": username, exp } = claims.value
    return { subject, username, expiresAt: DateTime.makeUnsafe(exp * 1_000) }
  })
}

class JwtHeaderError extends JwtBaseError {}

const isHeader = Schema.is(Header)

const decodeClaims = Schema.decodeUnknownOption(Claims)

const isTimely = ({ iat, nbf, exp }: typeof Claims.Type, nowSeconds: number): boolean =>
  nowSeconds < exp &&
  exp - iat <= lifetimeLimitSeconds &&
  Math.max(iat, nbf ?? iat) <= nowSeconds + clockSkewLimitSeconds

/**
 * The signature does not cover its own spelling: padding, and the bits that its last character has to spare,
 * would give one token many texts.
 */
const hasOneSpelling = (token: string): boolean => {
  const signature = token.slice(token.lastIndexOf(".") + 1)
  return Buffer.from(signature, "base64url").toString("base64url") === signature
}

const isMissingKey = (error: unknown): boolean =>
  error instanceof KidNotFoundInJwksError || error instanceof JwksNotAvailableInCacheError

const refused = (detail: string) => new AuthenticatorError({ reason: "invalid-token", detail })

const keyUnavailable = () =>
  new AuthenticatorError({
    reason: "unavailable",
    detail: "The token's key is not at hand; keys are being fetched",
  })
