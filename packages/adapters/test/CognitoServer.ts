/**
 * A strict stand-in for Amazon Cognito on loopback. It speaks the JSON protocol of InitiateAuth and serves the
 * pool's keys, refuses whatever Cognito refuses, and misbehaves when told to.
 */
import type * as CognitoAuthenticator from "@btc-price/adapters/CognitoAuthenticator"
import type { User } from "@btc-price/adapters/MemoryAuthenticator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createHmac, randomUUID } from "node:crypto"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import * as TokenIssuer from "./TokenIssuer.ts"

/**
 * What it answers to a sign-in. `hang` never answers, `stall` stops in the middle of its answer, `html` is a page
 * that repeats the password.
 */
export type SignInAnswer =
  | "tokens"
  | "html"
  | "empty"
  | "hang"
  | "stall"
  | "reset"
  | { readonly challenge: string }
  | { readonly exception: string; readonly message?: string; readonly status?: number }

/** What it answers to whoever wants its keys. */
export type KeysAnswer = "keys" | "down" | "garbage" | "redirect" | "too-large"

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface CognitoServer {
  /** For an adapter that signs in here. */
  readonly options: CognitoAuthenticator.Options & { readonly clientSecret: Redacted.Redacted }
  /** All requests so far, oldest first. */
  readonly requests: ReadonlyArray<Request>
  /** How many of them were cut off by the client. */
  readonly abandoned: () => number
  readonly answerSignIn: (answer: SignInAnswer) => void
  readonly answerKeys: (answer: KeysAnswer) => void
  /** Signs with a new key from now on. The old ones stay published. */
  readonly rotateKey: () => void
  /** An ID token of `username` with other claims, issued now. */
  readonly issue: (username: string, claims?: object, header?: object) => string
}

/** Runs until the scope closes. Time is that of the Clock in whose presence it was made. */
export const make = Effect.fnUntraced(function* (options: {
  readonly users: ReadonlyArray<User>
}): Effect.fn.Return<CognitoServer, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const keys = [TokenIssuer.makeKey()]
  const requests: Array<Request> = []
  const state = { signIn: "tokens" as SignInAnswer, keys: "keys" as KeysAnswer, abandoned: 0 }

  const issue: CognitoServer["issue"] = (username, claims = {}, header = {}) => {
    const nowSeconds = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
    const key = keys.at(-1) ?? TokenIssuer.makeKey()
    const proper = TokenIssuer.claims({ userPoolId, clientId, username, nowSeconds })
    return TokenIssuer.sign(key, { ...TokenIssuer.header(key), ...header }, { ...proper, ...claims })
  }

  const server = createServer((request, response) => {
    response.on("close", () => (state.abandoned += response.writableFinished ? 0 : 1))
    void text(request).then((body) => {
      const { method = "", url: path = "", headers } = request
      requests.push({ method, path, headers, body })
      if (path === jwksPath && method === "GET") return answerKeys(response, state.keys, keys)
      const refusal = refusalOf({ method, path, headers, body }, options.users)
      if (refusal !== null) return refuse(response, refusal)
      return answerSignIn(response, state.signIn, parametersIn(body), issue)
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  )
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    options: { region, userPoolId, clientId, clientSecret, endpoint, jwksUrl: endpoint + jwksPath },
    requests,
    abandoned: () => state.abandoned,
    answerSignIn: (answer) => (state.signIn = answer),
    answerKeys: (answer) => (state.keys = answer),
    rotateKey: () => keys.push(TokenIssuer.makeKey()),
    issue,
  }
})

const region = "eu-central-1"
const userPoolId = "eu-central-1_AbCdEfGhI"
const clientId = "4example0client0id"
const clientSecret = Redacted.make("canary-client-secret")
const jwksPath = `/${userPoolId}/.well-known/jwks.json`
const target = "AWSCognitoIdentityProviderService.InitiateAuth"

interface Refusal {
  readonly exception: string
  readonly message?: string
  readonly status?: number
}

/** Why Cognito would not sign in by this request; null when it would. */
const refusalOf = (request: Request, users: ReadonlyArray<User>): Refusal | null => {
  const { method, path, headers, body } = request
  if (method !== "POST" || path !== "/") return { exception: "UnknownOperationException", status: 404 }
  if (headers["content-type"] !== "application/x-amz-json-1.1") return { exception: "SerializationException" }
  if (headers["x-amz-target"] !== target) return { exception: "UnknownOperationException" }
  const { AuthFlow, ClientId, AuthParameters, ...others } = JSON.parse(body)
  if (Object.keys(others).length > 0) return { exception: "SerializationException" }
  if (ClientId !== clientId) {
    return {
      exception: "ResourceNotFoundException",
      message: `User pool client ${ClientId} does not exist.`,
    }
  }
  if (AuthFlow !== "USER_PASSWORD_AUTH") {
    return {
      exception: "InvalidParameterException",
      message: `${AuthFlow} flow not enabled for this client`,
    }
  }
  const { USERNAME, PASSWORD, SECRET_HASH, ...unknown } = AuthParameters
  if (Object.keys(unknown).length > 0) return { exception: "InvalidParameterException" }
  if (SECRET_HASH === undefined) {
    return notAuthorized(`Client ${clientId} is configured with secret but SECRET_HASH was not received`)
  }
  if (SECRET_HASH !== secretHash(USERNAME)) {
    return notAuthorized(`Unable to verify secret hash for client ${clientId}`)
  }
  const user = users.find(({ username }) => username === USERNAME)
  if (user === undefined) return { exception: "UserNotFoundException", message: "User does not exist." }
  return PASSWORD === Redacted.value(user.password) ? null : notAuthorized("Incorrect username or password.")
}

const notAuthorized = (message: string): Refusal => ({ exception: "NotAuthorizedException", message })

const secretHash = (username: string): string =>
  createHmac("sha256", Redacted.value(clientSecret))
    .update(username + clientId)
    .digest("base64")

const parametersIn = (body: string): Readonly<Record<string, string>> => JSON.parse(body).AuthParameters

const refuse = (response: ServerResponse, { exception, message, status = 400 }: Refusal): void => {
  response.setHeader("x-amzn-errortype", `${exception}:`)
  send(response, status, { __type: exception, message })
}

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, {
    "content-type": "application/x-amz-json-1.1",
    "x-amzn-requestid": randomUUID(),
  })
  response.end(JSON.stringify(body))
}

const answerSignIn = (
  response: ServerResponse,
  answer: SignInAnswer,
  { USERNAME = "", PASSWORD = "" }: Readonly<Record<string, string>>,
  issue: CognitoServer["issue"],
): void => {
  if (typeof answer === "object" && "exception" in answer) return refuse(response, answer)
  if (typeof answer === "object") {
    const ChallengeParameters = { USER_ID_FOR_SRP: "sub-of-alice" }
    return send(response, 200, { ChallengeName: answer.challenge, ChallengeParameters, Session: "session" })
  }
  switch (answer) {
    case "tokens": {
      const AuthenticationResult = {
        AccessToken: "an.access.token",
        ExpiresIn: 300,
        IdToken: issue(USERNAME),
        RefreshToken: "a.refresh.token",
        TokenType: "Bearer",
      }
      return send(response, 200, { AuthenticationResult, ChallengeParameters: {} })
    }
    case "empty":
      return send(response, 200, {})
    case "html":
      response.writeHead(200, { "content-type": "text/html" })
      response.end(`${PASSWORD}<html>`)
      return
    case "stall":
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" })
      response.write('{"AuthenticationResult":')
      return
    case "reset":
      response.destroy()
      return
    case "hang":
  }
}

const answerKeys = (
  response: ServerResponse,
  answer: KeysAnswer,
  keys: ReadonlyArray<TokenIssuer.Key>,
): void => {
  const keySet = { keys: keys.map(({ jwk }) => jwk) }
  switch (answer) {
    case "keys":
      return send(response, 200, keySet)
    case "too-large":
      return send(response, 200, { ...keySet, filler: "x".repeat(65_536) })
    case "down":
      return send(response, 503, {})
    case "garbage":
      response.end("<html>")
      return
    case "redirect":
      response.writeHead(302, { location: `/elsewhere` })
      response.end()
  }
}
