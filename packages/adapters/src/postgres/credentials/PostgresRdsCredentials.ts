/**
 * IAM authentication of RDS and Aurora. The password is a token that this process signs with its AWS credentials,
 * locally and without a call to the database's API. PostgreSQL checks it only when a connection opens.
 */
import type { Signer, SignerConfig } from "@aws-sdk/rds-signer"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CredentialsError, observe } from "./PostgresCredentials.ts"

/**
 * The longest that finding the AWS credentials may take, in seconds; the machine or the cluster may have to be asked.
 * Shorter than the time in which a connection must open.
 */
const findLimitSeconds = 2

const defaultPort = 5432

export interface Options {
  /** Names the user, and the host by the endpoint's own name, because that name is signed. */
  readonly url: Redacted.Redacted
  readonly region: string
  /** Absent: those that AWS's standard chain finds. */
  readonly awsCredentials?: SignerConfig["credentials"]
}

/**
 * `password` signs a token for the user of the URL. A token is valid for 15 minutes, so each new connection gets its
 * own. While there are no AWS credentials the password is empty, which the server refuses, and `problem` says why.
 */
export const make = Effect.fnUntraced(function* ({ url, region, awsCredentials }: Options) {
  const { hostname, port, username } = new URL(Redacted.value(url))
  const { Signer } = yield* loadSigner
  const signer = new Signer({
    hostname,
    port: port === "" ? defaultPort : Number(port),
    username: decodeURIComponent(username),
    region,
    ...(awsCredentials === undefined ? {} : { credentials: awsCredentials }),
  })
  const { read, problem } = observe(sign(signer))
  const password = Effect.orElseSucceed(read, () => Redacted.make(""))
  // Finds the AWS credentials before the first connection needs them.
  yield* password
  return { password, problem }
})

/** Imported only when it is needed, because loading it takes time and memory. */
const loadSigner = Effect.promise(() => import("@aws-sdk/rds-signer"))

const sign = (signer: Signer) =>
  Effect.tryPromise({
    try: () => signer.getAuthToken(),
    // The message of AWS may contain a key.
    catch: (cause) => failure(cause instanceof Error ? cause.name : "unknown"),
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${findLimitSeconds} seconds`,
      orElse: () => Effect.fail(failure(`none within ${findLimitSeconds} seconds`)),
    }),
    Effect.map((token) => Redacted.make(token)),
  )

const failure = (reason: string) =>
  new CredentialsError({
    message: `AWS's standard chain found no credentials to sign with (${reason}): give this process a role that allows rds-db:connect`,
  })
