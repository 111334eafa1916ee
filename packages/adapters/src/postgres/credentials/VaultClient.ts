/** The calls that this service makes to Vault's HTTP API. Each has a time limit, and no error contains what was sent or answered. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AnswerText from "../../vendor/AnswerText.ts"

export interface Options {
  readonly address: URL
  /** PEM text of the authorities that may sign Vault's certificate; absent: those of Node. */
  readonly authorities?: string | undefined
  readonly namespace?: string | undefined
  /** Where the authentication method is mounted; absent: at its default path. */
  readonly authPath?: string | undefined
  /** How this process authenticates. The files are read for each login, because they change. */
  readonly auth:
    | { readonly method: "kubernetes"; readonly role: string; readonly tokenFile: string }
    | { readonly method: "approle"; readonly roleId: Redacted.Redacted; readonly secretIdFile: string }
}

/** The message says what Vault did not do, and why, as far as its status shows. */
export class VaultError extends Data.TaggedError("VaultError")<{ readonly message: string }> {}

/** The longest that a call may take, in seconds. */
const callLimitSeconds = 5

const answerLimitBytes = 64 * 1024

/** How long a token or a user remains valid, and whether it can be renewed. */
export interface Lease {
  /** Infinite for a token that does not expire. */
  readonly duration: Duration.Duration
  readonly isRenewable: boolean
}

const leaseOf = (seconds: number, isRenewable: boolean): Lease => ({
  duration: Duration.seconds(seconds),
  isRenewable,
})

/** The lease of a token that does not expire, such as a root token. */
const endless: Lease = { duration: Duration.infinity, isRenewable: false }

const Seconds = Schema.Natural
const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)
const TokenAnswer = Schema.Struct({
  auth: Schema.Struct({ client_token: Secret, lease_duration: Seconds, renewable: Schema.Boolean }),
})
const LeaseAnswer = Schema.Struct({ lease_duration: Seconds, renewable: Schema.Boolean })
const UserAnswer = Schema.Struct({
  /** Empty for a static role. */
  lease_id: Schema.String,
  lease_duration: Seconds,
  renewable: Schema.Boolean,
  data: Schema.Struct({
    username: Schema.NonEmptyString,
    password: Secret,
    /** For a static role: the seconds until its password changes. */
    ttl: Schema.optional(Seconds),
  }),
})

export type VaultClient = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (options: Options) {
  const fileSystem = yield* FileSystem.FileSystem
  const dispatcher = yield* NodeHttpClient.makeDispatcherOptions({
    connect: {
      minVersion: "TLSv1.2",
      ...(options.authorities === undefined ? {} : { ca: options.authorities }),
    },
  })
  const http = yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
  const root = `${options.address.href.replace(/\/+$/, "")}/v1/`

  /** The text of Vault's answer. `purpose` names the call in errors, such as `log in`. */
  const call = (purpose: string, path: string, request: Request) =>
    Effect.gen(function* () {
      const { token, body } = request
      const response = yield* http.execute(
        (body === undefined ? HttpClientRequest.get : HttpClientRequest.post)(root + path).pipe(
          HttpClientRequest.setHeaders({
            "x-vault-request": "true",
            ...(options.namespace === undefined ? {} : { "x-vault-namespace": options.namespace }),
            ...(token === undefined ? {} : { "x-vault-token": Redacted.value(token) }),
          }),
          body === undefined ? (same) => same : HttpClientRequest.bodyJsonUnsafe(body),
        ),
      )
      if (response.status >= 300) return yield* failure(purpose, `it answers ${response.status}`)
      return yield* AnswerText.read(response, answerLimitBytes, failure(purpose, "its answer is too large"))
    }).pipe(
      Effect.catchTag("HttpClientError", () => Effect.fail(failure(purpose, "it cannot be reached"))),
      Effect.timeoutOrElse({
        duration: `${callLimitSeconds} seconds`,
        orElse: () => Effect.fail(failure(purpose, `no answer within ${callLimitSeconds} seconds`)),
      }),
      // A span would contain the token.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    )

  const ask = <S extends Schema.ConstraintDecoder<unknown>>(
    schema: S,
    purpose: string,
    path: string,
    request: Request,
  ) =>
    Effect.flatMap(call(purpose, path, request), (text) =>
      Effect.mapError(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text), () =>
        failure(purpose, "its answer is not as documented"),
      ),
    )

  const readSecret = (file: string) =>
    fileSystem.readFileString(file).pipe(
      Effect.map((text) => text.trim()),
      Effect.mapError(() => failure("log in", `${file} cannot be read`)),
    )

  return {
    /** A token for the other calls. */
    login: Effect.gen(function* () {
      const { auth, authPath = auth.method } = options
      const body =
        auth.method === "kubernetes"
          ? { role: auth.role, jwt: yield* readSecret(auth.tokenFile) }
          : { role_id: Redacted.value(auth.roleId), secret_id: yield* readSecret(auth.secretIdFile) }
      const answer = yield* ask(TokenAnswer, "log in", `auth/${authPath}/login`, { body })
      const { client_token: token, lease_duration: seconds, renewable } = answer.auth
      return { token, lease: seconds === 0 ? endless : leaseOf(seconds, renewable) }
    }),

    /** A database user: either created for this token, then it has a `lease`, or shared by all clients of Vault. */
    readUser: Effect.fnUntraced(function* (path: string, token: Token) {
      const answer = yield* ask(UserAnswer, `read ${path}`, path, { token })
      const { username, password, ttl = answer.lease_duration } = answer.data
      const lease =
        answer.lease_id === ""
          ? undefined
          : { id: answer.lease_id, ...leaseOf(answer.lease_duration, answer.renewable) }
      return { username, password, passwordChangesIn: Duration.seconds(ttl), lease }
    }),

    renewToken: Effect.fnUntraced(function* (token: Token) {
      const { auth } = yield* ask(TokenAnswer, "renew the token", "auth/token/renew-self", {
        token,
        body: {},
      })
      return leaseOf(auth.lease_duration, auth.renewable)
    }),

    /** `increment`: the duration to request, counted from now. */
    renewLease: Effect.fnUntraced(function* (id: string, increment: Duration.Duration, token: Token) {
      const body = { lease_id: id, increment: Math.ceil(Duration.toSeconds(increment)) }
      const answer = yield* ask(LeaseAnswer, "renew the lease", "sys/leases/renew", { token, body })
      return leaseOf(answer.lease_duration, answer.renewable)
    }),

    revokeLease: (id: string, token: Token) =>
      call("revoke the lease", "sys/leases/revoke", { token, body: { lease_id: id } }),

    /** Revokes the token and everything that was leased with it. */
    revokeToken: (token: Token) => call("revoke the token", "auth/token/revoke-self", { token, body: {} }),
  }
})

type Token = Redacted.Redacted

interface Request {
  readonly token?: Token
  readonly body?: Readonly<Record<string, string | number>>
}

const failure = (purpose: string, reason: string) =>
  new VaultError({ message: `Vault does not ${purpose}: ${reason}` })
