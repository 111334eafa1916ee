/** The further proofs that Cognito may want, as it asks for them and as it wants them answered. */
import {
  AuthenticatorError,
  type Challenge,
  type ChallengeKey,
  ChallengeName,
} from "@btc-price/domain/access/Authenticator"
import type { InitiateAuthCommandOutput } from "@aws-sdk/client-cognito-identity-provider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CognitoClient } from "./CognitoClient.ts"

type Wanted = Pick<InitiateAuthCommandOutput, "ChallengeName" | "ChallengeParameters" | "Session">

/**
 * What Cognito wants of `username`. An authenticator app that is to be set up gets its secret here. What is not
 * understood, or asks for more than one answer, fails: nothing is left out that somebody has asked for.
 */
export const read = Effect.fnUntraced(function* (
  client: CognitoClient,
  username: string,
  { ChallengeName: wanted, ChallengeParameters: parameters = {}, Session: session }: Wanted,
): Effect.fn.Return<Challenge, AuthenticatorError> {
  const name = Option.getOrUndefined(decodeName(wanted))
  if (name === undefined || session === undefined) return yield* notUnderstood(`It is ${wanted}`)
  const challenge = {
    name,
    // The hash and the answer go by this name from here on, whatever alias was typed.
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
    case "NEW_PASSWORD_REQUIRED":
      return listIn(parameters["requiredAttributes"]).length === 0
        ? challenge
        : yield* notUnderstood("It wants attributes of the user beside a new password")
    case "MFA_SETUP": {
      if (!listIn(parameters["MFAS_CAN_SETUP"]).includes("SOFTWARE_TOKEN_MFA")) {
        return yield* notUnderstood("It wants something else set up than an authenticator app")
      }
      const { SecretCode: secret, Session: next } = yield* client.associateSoftwareToken(session)
      if (secret === undefined || next === undefined) {
        return yield* notUnderstood("It comes without a secret for the authenticator app")
      }
      return { ...challenge, session: Redacted.make(next), secret: Redacted.make(secret) }
    }
  }
})

/** What Cognito says to the answer. */
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

const notUnderstood = (detail: string) => new AuthenticatorError({ reason: "unknown-challenge", detail })

const notSetUp = new AuthenticatorError({
  reason: "challenge-failed",
  detail: "Cognito did not take the code of the new authenticator app",
})
