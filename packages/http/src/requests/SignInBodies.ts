/** The bodies of the sign-in endpoints. They are read here, because they hold secrets that must not reach a log. */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ChallengeAnswer, Credentials, RefreshToken, Revocation } from "../api/SignIn.ts"
import * as JsonBody from "./JsonBody.ts"

export const readCredentials = (request: HttpServerRequest) =>
  JsonBody.decode(Credentials, request, {
    limitBytes: 4_096,
    whole: 'The body must be a JSON object: {"username": "…", "password": "…"}',
    // Clients of the original may send more than is needed.
    onExcessProperty: "ignore",
  })

export const readChallengeAnswer = (request: HttpServerRequest) =>
  JsonBody.decode(ChallengeAnswer, request, {
    limitBytes: 8_192,
    whole: 'The body must be a JSON object: {"username": "…", "session": "…", "answer": "…"}',
    onExcessProperty: "error",
  })

export const readRefreshToken = (request: HttpServerRequest) =>
  JsonBody.decode(RefreshToken, request, {
    limitBytes: 8_192,
    whole: 'The body must be a JSON object: {"refresh_token": "…"}',
    onExcessProperty: "error",
  })

export const readRevocation = (request: HttpServerRequest) =>
  JsonBody.decode(Revocation, request, {
    limitBytes: 16_384,
    whole: 'The body must be a JSON object: {"refresh_token": "…"}, and "token" if you like',
    onExcessProperty: "error",
  })
