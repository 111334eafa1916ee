/**
 * Credentials of RDS and Aurora's IAM authentication: the password is a token that AWS's credentials of this
 * process sign, here and without a call to AWS. PostgreSQL looks at it when a connection opens, and never after.
 */
import type { SignerConfig } from "@aws-sdk/rds-signer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CredentialsError, type Login } from "./PostgresCredentials.ts"

/** A token is valid for 15 minutes. */
const useTime = Duration.minutes(10)

/** The longest that AWS's credentials may take to be found, in seconds: the machine or the cluster may be asked. */
const findLimitSeconds = 5

const defaultPort = 5432

export interface Options {
  /** With the user, and the host by the endpoint's own name, because that is what is signed. */
  readonly url: Redacted.Redacted
  readonly region: string
  /** Of AWS; found along AWS's standard chain unless given. */
  readonly awsCredentials?: SignerConfig["credentials"]
}

/** Signs a token for the user of the URL. */
export const read = Effect.fnUntraced(function* ({ url, region, awsCredentials }: Options) {
  const { hostname, port, username } = new URL(Redacted.value(url))
  const user = decodeURIComponent(username)
  const token = yield* loadSigner.pipe(
    Effect.flatMap(({ Signer }) => {
      const signer = new Signer({
        hostname,
        port: port === "" ? defaultPort : Number(port),
        username: user,
        region,
        ...(awsCredentials === undefined ? {} : { credentials: awsCredentials }),
      })
      return Effect.tryPromise({
        try: () => signer.getAuthToken(),
        // AWS's own text may repeat a key.
        catch: (cause) => failure(cause instanceof Error ? cause.name : "unknown"),
      })
    }),
    Effect.timeoutOrElse({
      duration: `${findLimitSeconds} seconds`,
      orElse: () => Effect.fail(failure(`none within ${findLimitSeconds} seconds`)),
    }),
  )
  return {
    username: user,
    password: Redacted.make(token),
    untilDue: Effect.sleep(useTime),
  } satisfies Login
})

/** Loaded when it is needed, because it takes its time and memory. */
const loadSigner = Effect.promise(() => import("@aws-sdk/rds-signer"))

const failure = (reason: string) =>
  new CredentialsError({
    message: `AWS's standard chain has no credentials to sign with (${reason}): give this process a role that may rds-db:connect`,
  })
