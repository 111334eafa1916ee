/** The rules for the header and the claims of an accepted token. They do not depend on who signed it. */
import type { Identity } from "@btc-price/domain/access/Authenticator"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Which tokens are accepted. */
export interface Rules {
  /** Such as `eu-central-1_AbCdEfGhI`. It determines both forms of the issuer that Cognito writes. */
  readonly userPoolId: string
  /** Further regions in which the pool is replicated, and whose issuers are accepted. */
  readonly replicaRegions?: ReadonlyArray<string>
  readonly clientId: string
  /** ID tokens, access tokens, or either. A refresh token is never accepted. */
  readonly tokenUse: "id" | "access" | "either"
  /** Clients that sign in for themselves (client credentials, RFC 6749 section 4.4). Only their access tokens are accepted. */
  readonly machineClientIds: ReadonlyArray<string>
  /** The scope that an access token must have to be admitted, … */
  readonly requiredScope: string | undefined
  /** … or the group that its user must be in. Without both, every accepted token is admitted. */
  readonly requiredGroup: string | undefined
}

/** Accepts and admits any user's ID token. */
export const anyUsersIdToken = {
  tokenUse: "id",
  machineClientIds: [],
  requiredScope: undefined,
  requiredGroup: undefined,
} as const

/** The claims of an accepted token that are used. */
export interface Claims {
  readonly identity: Identity
  /** Whether it has the required scope or group. */
  readonly isAdmitted: boolean
  /** `origin_jti`, the same for all tokens of a sign-in; the token's own id if the pool does not revoke tokens. */
  readonly signInId: string
  readonly iat: number
  readonly exp: number
  readonly nbf?: number
}

/** The longest lifetime of a token, in seconds, which is the maximum that Cognito allows. */
const lifetimeLimitSeconds = 86_400

/** How far the issuer's clock may be ahead of ours, in seconds. There is no such tolerance for an expired token. */
const clockSkewLimitSeconds = 60

/** Seconds since 1970, within the range of a date. */
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

/** The claims that are used; undefined when they do not belong to an accepted token. */
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

/** Accepts only our client's users and the named machines. A machine has no user name, and is its own subject. */
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

/** Whether the claims' times are valid now. A token that lives longer than Cognito allows is not Cognito's. */
export const isTimely = ({ iat, nbf, exp }: Claims, nowSeconds: number): boolean =>
  nowSeconds < exp &&
  exp - iat <= lifetimeLimitSeconds &&
  Math.max(iat, nbf ?? iat) <= nowSeconds + clockSkewLimitSeconds

/** No extension is supported, so a token that marks one as critical is refused. `at+jwt` comes from RFC 9068. */
const header = {
  alg: Schema.Literal("RS256"),
  crit: Schema.optionalKey(Schema.Never),
}

const isAnyHeader = Schema.is(Schema.Struct({ ...header, typ: Schema.optionalKey(Schema.Literal("JWT")) }))

const isAccessHeader = Schema.is(Schema.Struct({ ...header, typ: Schema.Literal("at+jwt") }))

/** Whether a token of this `token_use` may have this header. */
export const isHeader = (found: unknown, tokenUse: unknown): boolean =>
  isAnyHeader(found) || (tokenUse === "access" && isAccessHeader(found))
