/** Issues tokens like Amazon Cognito's, and tokens that differ from them in any way that a test needs. */
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import { generateKeyPairSync, type KeyObject, randomUUID, sign as signWith } from "node:crypto"

export interface Key {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public key as Cognito publishes it. */
  readonly jwk: Readonly<Record<string, unknown>>
}

export const makeKey = (options: { readonly kid?: string; readonly modulusBits?: number } = {}): Key => {
  const { kid = randomUUID(), modulusBits = 2_048 } = options
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: modulusBits })
  const jwk = { alg: "RS256", kid, use: "sig", ...publicKey.export({ format: "jwk" }) }
  return { kid, privateKey, publicKey, jwk }
}

/** The first key of this process, the second, and so on. To generate a key costs 44 ms of CPU, so tests share them. */
export const keyAt = (index: number): Key => (keys[index] ??= makeKey())

const keys: Array<Key> = []

/** The header of a Cognito ID token. */
export const header = (key: Key): Readonly<Record<string, unknown>> => ({ kid: key.kid, alg: "RS256" })

/** The claims of an ID token that was issued at `nowSeconds` and is valid for an hour. */
export const claims = (options: {
  readonly userPoolId: string
  readonly clientId: string
  readonly username: string
  readonly nowSeconds: number
}): Readonly<Record<string, unknown>> => {
  const [region] = options.userPoolId.split("_")
  return {
    sub: `sub-of-${options.username}`,
    email_verified: true,
    iss: `https://cognito-idp.${region}.amazonaws.com/${options.userPoolId}`,
    "cognito:username": options.username,
    origin_jti: randomUUID(),
    aud: options.clientId,
    event_id: randomUUID(),
    token_use: "id",
    auth_time: options.nowSeconds,
    exp: options.nowSeconds + 3_600,
    iat: options.nowSeconds,
    jti: randomUUID(),
    email: `${options.username}@example.com`,
  }
}

/** The claims of an access token that differ from those of an ID token. */
export const accessClaims = (options: { readonly clientId: string; readonly username: string }) => ({
  token_use: "access",
  client_id: options.clientId,
  username: options.username,
  scope: "aws.cognito.signin.user.admin",
  aud: undefined,
  "cognito:username": undefined,
  email: undefined,
  email_verified: undefined,
})

/** Signs with RSA and SHA-256, whatever the header says. */
export const sign = (key: Key, header: object, payload: object): string => {
  const content = contentOf(header, payload)
  return `${content}.${signWith("RSA-SHA256", Buffer.from(content), key.privateKey).toString("base64url")}`
}

/** The header, the claims and the signature of a token, whoever signed it. */
export const partsOf = decomposeUnverifiedJwt

/** The text that a signature covers. */
export const contentOf = (header: object, payload: object): string => `${encode(header)}.${encode(payload)}`

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url")
