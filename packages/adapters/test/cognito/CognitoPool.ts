/**
 * A strict user pool behind the sign-in calls of Cognito's API reference: each session is valid for one answer of one
 * user, each code for one sign-in, and reusing a replaced refresh token raises an alarm.
 */
import * as TokenClaims from "@btc-price/adapters/cognito/TokenClaims"
import type { User } from "@btc-price/adapters/memory/MemoryIdentityProvider"
import * as Redacted from "effect/Redacted"
import { createHmac, randomUUID } from "node:crypto"
import { Secret, TOTP } from "otpauth"

export const region = "eu-central-1"
export const userPoolId = "eu-central-1_AbCdEfGhI"
export const clientId = "4example0client0id"
export const clientSecret = Redacted.make("canary-client-secret")

/** What an adapter must know about the pool, besides its address. */
export const appClient = {
  ...TokenClaims.anyUsersIdToken,
  region,
  userPoolId,
  clientId,
  clientSecrets: [clientSecret],
}

/** Everything that a program must know about the pool. */
export const environmentAt = (endpoint: string, jwksUrl: string) => ({
  COGNITO_REGION: region,
  COGNITO_USER_POOL_ID: userPoolId,
  COGNITO_CLIENT_ID: clientId,
  COGNITO_CLIENT_SECRET: Redacted.value(clientSecret),
  COGNITO_ENDPOINT: endpoint,
  COGNITO_JWKS_URL: jwksUrl,
})

export interface PoolUser extends User {
  /** The code of the next message, by how it is sent. If there are two ways, the user must choose. */
  readonly codes?: Readonly<Partial<Record<"SMS_MFA" | "EMAIL_OTP", string>>>
}

export interface ExceptionAnswer {
  readonly exception: string
  readonly message?: string
  readonly status?: number
}

type Body = Readonly<Record<string, any>>

/** The operations by their names. They throw {@link PoolException}. */
export type Operations = Readonly<Record<string, (body: Body) => object>>

export class PoolException extends Error {
  readonly answer: ExceptionAnswer

  constructor(exception: string, message?: string) {
    super(message)
    this.answer = { exception, ...(message === undefined ? {} : { message }) }
  }
}

interface UserState extends PoolUser {
  mustDo: NonNullable<User["mustDo"]>
  newPassword: string | null
  totpSecret?: Redacted.Redacted
  totpStep: number
}

interface Session {
  readonly name: string
  readonly account: UserState
  readonly endsAtMillis: number
  readonly secret?: string
  readonly isVerified?: boolean
}

export interface Options {
  readonly users: ReadonlyArray<PoolUser>
  /** Whether a refresh token is replaced when it is used; true by default. */
  readonly rotates?: boolean
  readonly nowMillis: () => number
  /** `originJti` is the same for all tokens of a sign-in. */
  readonly issue: (username: string, use: "id" | "access", originJti: string) => string
}

export const make = (options: Options): Operations => {
  const accounts = options.users.map((user): UserState => ({
    ...user,
    mustDo: user.mustDo ?? [],
    newPassword: null,
    totpStep: -1,
  }))
  const sessions = new Map<string, Session>()
  const refreshTokens = new Map<string, { username: string; originJti: string; current: string | null }>()

  const open = (session: Omit<Session, "endsAtMillis">): string => {
    const id = `canary-session-${randomUUID()}`
    sessions.set(id, { ...session, endsAtMillis: options.nowMillis() + 180_000 })
    return id
  }

  const take = (id: string, name: string): Session => {
    const session = sessions.get(id)
    sessions.delete(id)
    if (session?.name !== name)
      throw new PoolException("NotAuthorizedException", "Invalid session for the user.")
    if (session.endsAtMillis <= options.nowMillis()) {
      throw new PoolException("NotAuthorizedException", "Invalid session for the user, session is expired.")
    }
    return session
  }

  const useCode = (account: UserState, secret: string, code: string, mismatch: string): void => {
    const timestamp = options.nowMillis()
    const drift = /^\d{6}$/.test(code)
      ? new TOTP({ secret }).validate({ token: code, timestamp, window: 1 })
      : null
    if (drift === null) throw new PoolException(mismatch, "Invalid code received for user")
    const step = Math.floor(timestamp / 30_000) + drift
    if (step <= account.totpStep) {
      throw new PoolException("ExpiredCodeException", "Your software token has already been used once.")
    }
    account.totpStep = step
  }

  const authenticated = (username: string) => {
    const token = `canary-refresh-${randomUUID()}`
    const originJti = randomUUID()
    refreshTokens.set(token, { username, originJti, current: token })
    const AuthenticationResult = { ...issued(username, originJti), RefreshToken: token }
    return { AuthenticationResult, ChallengeParameters: {} }
  }

  const issued = (username: string, originJti: string) => ({
    AccessToken: options.issue(username, "access", originJti),
    ExpiresIn: 300,
    IdToken: options.issue(username, "id", originJti),
    TokenType: "Bearer",
  })

  const challenge = (account: UserState, name: string, parameters: object = {}) => ({
    ChallengeName: name,
    ChallengeParameters: { USER_ID_FOR_SRP: idOf(account.username), ...parameters },
    Session: open({ account, name }),
  })

  /** The next step after the password, or after an answer. */
  const proceed = (account: UserState) => {
    const { mustDo, totpSecret, codes = {}, username } = account
    if (mustDo[0] === "NEW_PASSWORD_REQUIRED") {
      return challenge(account, mustDo[0], { requiredAttributes: "[]", userAttributes: "{}" })
    }
    if (mustDo[0] === "MFA_SETUP") {
      return challenge(account, mustDo[0], { MFAS_CAN_SETUP: '["SMS_MFA","SOFTWARE_TOKEN_MFA"]' })
    }
    const [first, second] = Object.keys(codes)
    if (second !== undefined) {
      return challenge(account, "SELECT_MFA_TYPE", { MFAS_CAN_CHOOSE: JSON.stringify([first, second]) })
    }
    if (first !== undefined) return challenge(account, first, delivery)
    return totpSecret === undefined ? authenticated(username) : challenge(account, "SOFTWARE_TOKEN_MFA")
  }

  const respond = (name: string, account: UserState, session: Session, responses: Body) => {
    switch (name) {
      case "SOFTWARE_TOKEN_MFA": {
        only(responses, "SOFTWARE_TOKEN_MFA_CODE")
        const secret = Redacted.value(account.totpSecret ?? Redacted.make(""))
        useCode(account, secret, responses["SOFTWARE_TOKEN_MFA_CODE"], "CodeMismatchException")
        return authenticated(account.username)
      }
      case "SMS_MFA":
      case "EMAIL_OTP":
        only(responses, `${name}_CODE`)
        if (responses[`${name}_CODE`] !== account.codes?.[name])
          throw new PoolException("CodeMismatchException")
        return authenticated(account.username)
      case "SELECT_MFA_TYPE":
        only(responses, "ANSWER")
        if (!Object.hasOwn(account.codes ?? {}, responses["ANSWER"]))
          throw new PoolException("InvalidParameterException")
        return challenge(account, responses["ANSWER"], delivery)
      case "NEW_PASSWORD_REQUIRED":
        only(responses, "NEW_PASSWORD")
        if (responses["NEW_PASSWORD"].length < 8) {
          throw new PoolException(
            "InvalidPasswordException",
            `Password did not conform: ${responses["NEW_PASSWORD"]}`,
          )
        }
        account.newPassword = responses["NEW_PASSWORD"]
        account.mustDo = account.mustDo.filter((task) => task !== name)
        return proceed(account)
      case "MFA_SETUP":
        only(responses)
        if (session.isVerified !== true)
          throw new PoolException("NotAuthorizedException", "Invalid session for the user.")
        account.totpSecret = Redacted.make(session.secret ?? "")
        account.mustDo = account.mustDo.filter((task) => task !== name)
        return authenticated(account.username)
      default:
        throw new PoolException("InvalidParameterException", "Unknown challenge")
    }
  }

  return {
    InitiateAuth: ({ AuthFlow, ClientId, AuthParameters, ...others }) => {
      only(others)
      knowsClient(ClientId)
      if (AuthFlow !== "USER_PASSWORD_AUTH") {
        throw new PoolException("InvalidParameterException", `${AuthFlow} flow not enabled for this client`)
      }
      const { USERNAME, PASSWORD, SECRET_HASH, ...unknown } = AuthParameters
      only(unknown)
      knowsSecret(USERNAME, SECRET_HASH)
      const account = accounts.find(({ username }) => username === USERNAME)
      if (account === undefined) throw new PoolException("UserNotFoundException", "User does not exist.")
      if (PASSWORD !== (account.newPassword ?? Redacted.value(account.password))) {
        throw new PoolException("NotAuthorizedException", "Incorrect username or password.")
      }
      return proceed(account)
    },

    RespondToAuthChallenge: ({ ChallengeName, ClientId, Session: id, ChallengeResponses, ...others }) => {
      only(others)
      knowsClient(ClientId)
      const { USERNAME, SECRET_HASH, ...responses } = ChallengeResponses
      knowsSecret(USERNAME, SECRET_HASH)
      const session = take(id, ChallengeName)
      if (USERNAME !== idOf(session.account.username)) {
        throw new PoolException("NotAuthorizedException", "Invalid session for the user.")
      }
      return respond(ChallengeName, session.account, session, responses)
    },

    AssociateSoftwareToken: ({ Session: id, ...others }) => {
      only(others)
      const { account, name } = take(id, "MFA_SETUP")
      const secret = new Secret({ size: 20 }).base32
      return { SecretCode: secret, Session: open({ account, name, secret }) }
    },

    VerifySoftwareToken: ({ Session: id, UserCode, ...others }) => {
      only(others)
      const { account, name, secret = "" } = take(id, "MFA_SETUP")
      useCode(account, secret, UserCode, "EnableSoftwareTokenMFAException")
      return { Status: "SUCCESS", Session: open({ account, name, secret, isVerified: true }) }
    },

    GetTokensFromRefreshToken: ({ ClientId, ClientSecret, RefreshToken, ...others }) => {
      only(others)
      knowsClient(ClientId)
      if (ClientSecret !== Redacted.value(clientSecret)) {
        throw new PoolException("NotAuthorizedException", "Unable to verify the client secret")
      }
      const family = refreshTokens.get(RefreshToken)
      if (family === undefined || family.current === null) {
        throw new PoolException("NotAuthorizedException", "Invalid Refresh Token")
      }
      if (family.current !== RefreshToken) {
        family.current = null
        throw new PoolException("RefreshTokenReuseException", "Refresh token has been invalidated")
      }
      if (options.rotates === false) {
        return { AuthenticationResult: issued(family.username, family.originJti) }
      }
      family.current = `canary-refresh-${randomUUID()}`
      refreshTokens.set(family.current, family)
      return {
        AuthenticationResult: { ...issued(family.username, family.originJti), RefreshToken: family.current },
      }
    },

    RevokeToken: ({ ClientId, ClientSecret, Token, ...others }) => {
      only(others)
      knowsClient(ClientId)
      // The one call whose reference lists no NotAuthorizedException.
      if (ClientSecret !== Redacted.value(clientSecret)) throw new PoolException("UnauthorizedException")
      const family = refreshTokens.get(Token)
      if (family === undefined) throw new PoolException("UnsupportedTokenTypeException", "Wrong token type")
      family.current = null
      return {}
    },
  }
}

const delivery = { CODE_DELIVERY_DELIVERY_MEDIUM: "…", CODE_DELIVERY_DESTINATION: "+*******99" }

/** As Cognito calls a user from the first challenge on. */
const idOf = (username: string): string => `id-of-${username}`

/** Refuses parameters that are not named. */
const only = (body: Body, ...names: ReadonlyArray<string>): void => {
  const others = Object.keys(body).filter((name) => !names.includes(name))
  if (others.length > 0)
    throw new PoolException("InvalidParameterException", `Unexpected ${others.join(", ")}`)
}

const knowsClient = (id: unknown): void => {
  if (id !== clientId)
    throw new PoolException("ResourceNotFoundException", `User pool client ${String(id)} does not exist.`)
}

const knowsSecret = (username: string, given: unknown): void => {
  if (given === undefined) {
    const message = `Client ${clientId} is configured with secret but SECRET_HASH was not received`
    throw new PoolException("NotAuthorizedException", message)
  }
  const expected = createHmac("sha256", Redacted.value(clientSecret))
    .update(username + clientId)
    .digest("base64")
  if (given !== expected) {
    throw new PoolException("NotAuthorizedException", `Unable to verify secret hash for client ${clientId}`)
  }
}
