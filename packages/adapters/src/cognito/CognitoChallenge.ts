/** Cognito's challenges: how it poses them and how they are answered. */
import type { InitiateAuthCommandOutput } from "@aws-sdk/client-cognito-identity-provider"
import {
  type Challenge,
  type ChallengeKey,
  ChallengeName,
  type CommonReason,
  IdentityProviderError,
} from "@btc-price/domain/access/IdentityProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CognitoClient } from "./CognitoClient.ts"

type Posed = Pick<InitiateAuthCommandOutput, "ChallengeName" | "ChallengeParameters" | "Session">

export type ReadError = IdentityProviderError<CommonReason | "unknown-challenge">

/**
 * The challenge that Cognito poses to `username`. An authenticator app that must be set up gets its secret here. A
 * challenge that is not supported, or that asks for more than one answer, fails: no proof that was asked for is skipped.
 */
export const read = Effect.fnUntraced(function* (
  client: CognitoClient,
  username: string,
  { ChallengeName: posed, ChallengeParameters: parameters = {}, Session: session }: Posed,
): Effect.fn.Return<Challenge, ReadError> {
  const name = Option.getOrUndefined(decodeName(posed))
  if (name === undefined || session === undefined) return yield* unsupported(`It is ${posed}`)
  const challenge = {
    name,
    // The hash and the answer must use this name from now on, whatever alias was typed.
    username: parameters["USER_ID_FOR_SRP"] ?? username,
    session: Redacted.make(session),
  }
  switch (name) {
    case "SOFTWARE_TOKEN_MFA":
      return challenge
    case "SMS_MFA":
    case "EMAIL_OTP":
      return { ...challenge, destination: parameters["CODE_DELIVERY_DESTINATION"] ?? "" }
    case "SELECT_MFA_TYPE":
      return { ...challenge, choices: listIn(parameters["MFAS_CAN_CHOOSE"]) }
    case "NEW_PASSWORD_REQUIRED": {
      const requiredAttributes = listIn(parameters["requiredAttributes"])
      if (requiredAttributes.length === 0) return challenge
      return yield* new IdentityProviderError({
        reason: "unknown-challenge",
        detail: "It asks for attributes of the user besides a new password",
        requiredAttributes: requiredAttributes.map((name) => name.replace(/^userAttributes\./, "")),
      })
    }
    case "MFA_SETUP": {
      if (!listIn(parameters["MFAS_CAN_SETUP"]).includes("SOFTWARE_TOKEN_MFA")) {
        return yield* unsupported("It asks to set up something other than an authenticator app")
      }
      const { SecretCode: secret, Session: next } = yield* client.associateSoftwareToken(session)
      if (secret === undefined || next === undefined) {
        return yield* unsupported("It has no secret for the authenticator app")
      }
      return { ...challenge, session: Redacted.make(next), secret: Redacted.make(secret) }
    }
  }
})

/** Sends the answer; succeeds with the next step of the sign-in. */
export const answer = Effect.fnUntraced(function* (
  client: CognitoClient,
  { name, username, session }: ChallengeKey,
  text: string,
) {
  const secret = Redacted.value(session)
  if (name !== "MFA_SETUP") {
    const responses = { [parameterOf[name]]: text }
    return yield* client.respondToAuthChallenge({ name, username, session: secret, responses })
  }
  const { Status: status, Session: verified } = yield* client.verifySoftwareToken(secret, text)
  if (status !== "SUCCESS" || verified === undefined) return yield* notSetUp
  return yield* client.respondToAuthChallenge({ name, username, session: verified, responses: {} })
})

const parameterOf = {
  SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE",
  SMS_MFA: "SMS_MFA_CODE",
  EMAIL_OTP: "EMAIL_OTP_CODE",
  SELECT_MFA_TYPE: "ANSWER",
  NEW_PASSWORD_REQUIRED: "NEW_PASSWORD",
} as const

const decodeName = Schema.decodeUnknownOption(ChallengeName)

const decodeList = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.String)))

/** Cognito writes lists as JSON in a string. */
const listIn = (text: string | undefined): ReadonlyArray<string> =>
  Option.getOrElse(decodeList(text), () => [])

const unsupported = (detail: string) => new IdentityProviderError({ reason: "unknown-challenge", detail })

const notSetUp = new IdentityProviderError({
  reason: "challenge-failed",
  detail: "Cognito did not accept the code of the new authenticator app",
})
