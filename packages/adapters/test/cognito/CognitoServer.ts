/**
 * A strict stand-in for Amazon Cognito on loopback. It speaks Cognito's JSON protocol for a {@link CognitoPool}, serves
 * the pool's keys, and misbehaves when told to.
 */
import type * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as CognitoPool from "./CognitoPool.ts"
import * as TokenIssuer from "./TokenIssuer.ts"

/**
 * How it responds to a call; `pool`: with the pool's response. `hang` never responds, `stall` stops in the middle of a
 * response, and `html` is a page that repeats the request. A challenge is the response to a sign-in; the pool does not
 * know it.
 */
export type CallAnswer =
  | "pool"
  | "html"
  | "empty"
  | "hang"
  | "stall"
  | "reset"
  | { readonly challenge: string; readonly parameters?: Readonly<Record<string, string>> }
  | { readonly exception: string; readonly message?: string; readonly status?: number }

/** How it responds to a request for its keys. */
export type KeysAnswer = "keys" | "down" | "garbage" | "redirect" | "too-large"

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface CognitoServer {
  /** For an adapter that signs in here. */
  readonly options: CognitoUserPool.Options
  /** For a program that signs in here. */
  readonly environment: Readonly<Record<string, string>>
  /** All requests so far, oldest first. */
  readonly requests: ReadonlyArray<Request>
  /** How many requests the client aborted. */
  readonly abandoned: () => number
  readonly answerCalls: (answer: CallAnswer) => void
  readonly answerKeys: (answer: KeysAnswer) => void
  /** Signs with a new key from now on. The old keys stay published. */
  readonly rotateKey: () => void
  /** An ID token of `username`, issued now, with these changes to its claims and header. */
  readonly issue: (username: string, claims?: object, header?: object) => string
}

/** Runs until the scope closes. It follows the Clock that it was created with. */
export const make = Effect.fnUntraced(function* (
  options: Pick<CognitoPool.Options, "users" | "rotates"> & {
    /** How long it waits before it responds to a request with this body; by default not at all. */
    readonly delayMillis?: (body: string) => number
  },
): Effect.fn.Return<CognitoServer, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const keys = [TokenIssuer.keyAt(0)]
  const requests: Array<Request> = []
  const state = { calls: "pool" as CallAnswer, keys: "keys" as KeysAnswer, abandoned: 0 }

  const issue: CognitoServer["issue"] = (username, claims = {}, header = {}) => {
    const nowSeconds = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
    const key = keys.at(-1) ?? TokenIssuer.keyAt(0)
    const proper = TokenIssuer.claims({ userPoolId, clientId, username, nowSeconds })
    return TokenIssuer.sign(key, { ...TokenIssuer.header(key), ...header }, { ...proper, ...claims })
  }

  const pool = CognitoPool.make({
    ...options,
    nowMillis: () => clock.currentTimeMillisUnsafe(),
    issue: (username, use, originJti) =>
      issue(username, {
        origin_jti: originJti,
        ...(use === "id" ? {} : TokenIssuer.accessClaims({ clientId, username })),
      }),
  })

  const server = createServer((request, response) => {
    response.on("close", () => (state.abandoned += response.writableFinished ? 0 : 1))
    void text(request).then(async (body) => {
      const { method = "", url: path = "", headers } = request
      requests.push({ method, path, headers, body })
      const delayMillis = options.delayMillis?.(body) ?? 0
      if (delayMillis > 0) await setTimeout(delayMillis)
      if (path === jwksPath && method === "GET") return answerKeys(response, state.keys, keys)
      const exception = protocolException({ method, path, headers, body })
      if (exception !== null) return refuse(response, exception)
      const isPosed = typeof state.calls === "object" && "challenge" in state.calls
      return state.calls === "pool" || (isPosed && headers["x-amz-target"] !== `${service}InitiateAuth`)
        ? answerAsPool(response, pool, headers, body)
        : misbehave(response, state.calls, body)
    })
  })
  const port = yield* LoopbackServer.listen(server)
  const endpoint = `http://127.0.0.1:${port}`

  const jwksUrl = endpoint + jwksPath
  return {
    options: { ...CognitoPool.appClient, endpoint, jwksUrl },
    environment: CognitoPool.environmentAt(endpoint, jwksUrl),
    requests,
    abandoned: () => state.abandoned,
    answerCalls: (answer) => (state.calls = answer),
    answerKeys: (answer) => (state.keys = answer),
    rotateKey: () => keys.push(TokenIssuer.keyAt(keys.length)),
    issue,
  }
})

const { userPoolId, clientId } = CognitoPool
const jwksPath = `/${userPoolId}/.well-known/jwks.json`
const service = "AWSCognitoIdentityProviderService."

/** The exception for a request that does not follow the protocol; null for a correct request. */
const protocolException = ({ method, path, headers }: Request): CognitoPool.ExceptionAnswer | null => {
  if (method !== "POST" || path !== "/") return { exception: "UnknownOperationException", status: 404 }
  if (headers["content-type"] !== "application/x-amz-json-1.1") return { exception: "SerializationException" }
  return String(headers["x-amz-target"]).startsWith(service)
    ? null
    : { exception: "UnknownOperationException" }
}

const answerAsPool = (
  response: ServerResponse,
  pool: CognitoPool.Operations,
  headers: IncomingHttpHeaders,
  body: string,
): void => {
  const operation = pool[String(headers["x-amz-target"]).slice(service.length)]
  if (operation === undefined) return refuse(response, { exception: "UnknownOperationException" })
  try {
    return send(response, 200, operation(JSON.parse(body)))
  } catch (error) {
    if (error instanceof CognitoPool.PoolException) return refuse(response, error.answer)
    throw error
  }
}

const refuse = (
  response: ServerResponse,
  { exception, message, status = 400 }: CognitoPool.ExceptionAnswer,
): void => {
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

const misbehave = (response: ServerResponse, answer: Exclude<CallAnswer, "pool">, body: string): void => {
  if (typeof answer === "object" && "exception" in answer) return refuse(response, answer)
  if (typeof answer === "object") {
    const { challenge: ChallengeName, parameters: ChallengeParameters = {} } = answer
    return send(response, 200, {
      ChallengeName,
      ChallengeParameters,
      Session: "session-of-twenty-characters",
    })
  }
  switch (answer) {
    case "empty":
      return send(response, 200, {})
    case "html":
      response.writeHead(200, { "content-type": "text/html" })
      response.end(`${body}<html>`)
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
