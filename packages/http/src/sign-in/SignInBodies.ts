/** The request bodies of the sign-in endpoints. They are parsed here, because their secrets must not reach a log. */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ChallengeAnswer, Credentials, RefreshToken, Revocation } from "../api/SignIn.ts"
import * as JsonBody from "../server/JsonBody.ts"

export const readCredentials = (request: HttpServerRequest) =>
  JsonBody.decode(Credentials, request, {
    limitBytes: 4_096,
    form: '{"username": "…", "password": "…"}',
    // Clients of the original service may send further fields.
    onExcessProperty: "ignore",
  })

export const readChallengeAnswer = (request: HttpServerRequest) =>
  JsonBody.decode(ChallengeAnswer, request, {
    limitBytes: 8_192,
    form: '{"username": "…", "session": "…", "answer": "…"}',
  })

export const readRefreshToken = (request: HttpServerRequest) =>
  JsonBody.decode(RefreshToken, request, {
    limitBytes: 8_192,
    form: '{"refresh_token": "…"}',
  })

export const readRevocation = (request: HttpServerRequest) =>
  JsonBody.decode(Revocation, request, {
    limitBytes: 24_576,
    form: '{"refresh_token": "…"}, and optionally "token"',
  })
