/** What the header and the claims of an accepted token must be, whoever signed it. */
import type { Identity } from "@btc-price/domain/access/Authenticator"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Whose tokens are accepted, and which of them. */
export interface Rules {
  /** Such as `eu-central-1_AbCdEfGhI`. Both forms of the issuer that Cognito writes follow from it. */
  readonly userPoolId: string
  readonly clientId: string
  /** ID tokens, access tokens, or either. A refresh token never is. */
  readonly tokenUse: "id" | "access" | "either"
  /** Clients that sign in by themselves (client credentials, RFC 6749 section 4.4), by access tokens alone. */
  readonly machineClientIds: ReadonlyArray<string>
  /** Who is let in: whoever has this scope in an access token, … */
  readonly requiredScope: string | undefined
  /** … or is in this group. Without both, everybody whose token is accepted. */
  readonly requiredGroup: string | undefined
}

/** Any user's ID token. */
export const anyUsersIdToken = {
  tokenUse: "id",
  machineClientIds: [],
  requiredScope: undefined,
  requiredGroup: undefined,
} as const

/** What is kept of an accepted token. */
export interface Claims {
  readonly identity: Identity
  /** Whether it has the scope or the group that is needed. */
  readonly isAdmitted: boolean
  /** The same for all tokens of a sign-in, where the pool can revoke tokens (`origin_jti`); else the token's own. */
  readonly signInId: string
  readonly iat: number
  readonly exp: number
  readonly nbf?: number
}

/** The longest life of a token, in seconds, which is the longest that Cognito can be set to. */
const lifetimeLimitSeconds = 86_400

/** How far ahead of ours the issuer's clock may be, in seconds. An expired token gets no such grace. */
const clockSkewLimitSeconds = 60

/** Seconds since 1970, as far as a date can have them. */
const Time = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000 }))

const shared = {
  sub: Schema.NonEmptyString,
  iat: Time,
  exp: Time,
  nbf: Schema.optionalKey(Time),
  jti: Schema.optionalKey(Schema.NonEmptyString),
  origin_jti: Schema.optionalKey(Schema.NonEmptyString),
  "cognito:groups": Schema.optionalKey(Schema.Array(Schema.String)),
}

const IdClaims = Schema.Struct({
  ...shared,
  token_use: Schema.Literal("id"),
  aud: Schema.NonEmptyString,
  "cognito:username": Schema.NonEmptyString,
})

const AccessClaims = Schema.Struct({
  ...shared,
  token_use: Schema.Literal("access"),
  client_id: Schema.NonEmptyString,
  username: Schema.optionalKey(Schema.NonEmptyString),
  scope: Schema.optionalKey(Schema.String),
})

const decode = Schema.decodeUnknownOption(Schema.Union([IdClaims, AccessClaims]))

/** What is kept of the claims; undefined when they are not of an accepted token. */
export const read = (payload: unknown, rules: Rules): Claims | undefined => {
  const claims = Option.getOrUndefined(decode(payload))
  if (claims === undefined || (rules.tokenUse !== "either" && rules.tokenUse !== claims.token_use)) {
    return undefined
  }
  const username = usernameIn(claims, rules)
  if (username === undefined) return undefined
  const { sub: subject, iat, exp, nbf, jti, origin_jti: signInId = jti ?? `${subject} ${iat}` } = claims
  return {
    identity: { subject, username, expiresAt: DateTime.makeUnsafe(exp * 1_000) },
    isAdmitted: isAdmitted(claims, rules),
    signInId,
    iat,
    exp,
    ...(nbf === undefined ? {} : { nbf }),
  }
}

/** Only our client's users, and only the named machines; they have no user name, and are their own subject. */
const usernameIn = (
  claims: typeof IdClaims.Type | typeof AccessClaims.Type,
  { clientId, machineClientIds }: Rules,
): string | undefined => {
  if (claims.token_use === "id") return claims.aud === clientId ? claims["cognito:username"] : undefined
  const { client_id: client, sub, username } = claims
  if (username !== undefined) return client === clientId ? username : undefined
  return sub === client && machineClientIds.includes(client) ? client : undefined
}

const isAdmitted = (
  claims: typeof IdClaims.Type | typeof AccessClaims.Type,
  { requiredScope, requiredGroup }: Rules,
): boolean => {
  if (requiredScope === undefined && requiredGroup === undefined) return true
  const scopes = claims.token_use === "access" ? (claims.scope ?? "").split(" ") : []
  const { "cognito:groups": groups = [] } = claims
  return (
    (requiredScope !== undefined && scopes.includes(requiredScope)) ||
    (requiredGroup !== undefined && groups.includes(requiredGroup))
  )
}

/** Whether the claims' times are good now. Tokens that live longer than Cognito's can are none of its. */
export const isTimely = ({ iat, nbf, exp }: Claims, nowSeconds: number): boolean =>
  nowSeconds < exp &&
  exp - iat <= lifetimeLimitSeconds &&
  Math.max(iat, nbf ?? iat) <= nowSeconds + clockSkewLimitSeconds

/** No extension is understood here, so a token that marks one as critical is refused. RFC 9068 names `at+jwt`. */
const header = {
  alg: Schema.Literal("RS256"),
  crit: Schema.optionalKey(Schema.Never),
}

const isAnyHeader = Schema.is(Schema.Struct({ ...header, typ: Schema.optionalKey(Schema.Literal("JWT")) }))

const isAccessHeader = Schema.is(Schema.Struct({ ...header, typ: Schema.Literal("at+jwt") }))

/** Whether the header may stand before a token of this `token_use`. */
export const isHeader = (found: unknown, tokenUse: unknown): boolean =>
  isAnyHeader(found) || (tokenUse === "access" && isAccessHeader(found))
