/** A failure of PostgreSQL, or of the way to it, in one sentence for the person who operates this service. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import type * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, SqlError, UnknownError } from "effect/sql/SqlError"

/** `UnknownError`: a row does not match what the tables allow. */
export type Failure = SqlError | MigrationError | Cause.UnknownError

/** Where a connection goes. */
export type Target = Pick<PgClient.PgClientConfig, "url" | "username">

/**
 * Names the database, the host, the user and the reason, and what to do about it; never a password. `operation` is what
 * failed unless it was the connection.
 */
export const sentenceOf = (operation: string, target: Target, failure: Failure): string => {
  const where = nameOf(target)
  if (failure._tag === "UnknownError") return `${operation} failed on ${where}: a row is not as expected`
  if (failure._tag === "MigrationError") {
    return isSqlError(failure.cause)
      ? `${failure.message} on ${where}: ${reasonOf(failure.cause)}`
      : `${failure.message} (${where})`
  }
  const isConnecting = failure.reason.operation === "connect"
  return `${isConnecting ? "Cannot connect to" : `${operation} failed on`} ${where}: ${reasonOf(failure)}`
}

/** The database in words, such as `database btc at db.example.com:5432 as user app`. */
export const nameOf = ({ url: secret, username }: Target): string => {
  if (secret === undefined) return "the database"
  const url = new URL(Redacted.value(secret))
  const user = username ?? decodeURIComponent(url.username)
  const host = `${decodeURIComponent(url.hostname)}:${url.port === "" ? 5432 : url.port}`
  return `database ${decodeURIComponent(url.pathname.slice(1))} at ${host}${user === "" ? "" : ` as user ${user}`}`
}

/** The words of the server, of Node or of the driver. */
const messageOf = ({ reason: { cause, message = "" } }: SqlError): string =>
  Predicate.hasProperty(cause, "message") ? String(cause.message) : message

/** The SQLSTATE, or the code of Node; empty if there is none. */
const codeOf = ({ reason: { cause } }: SqlError): string =>
  Predicate.hasProperty(cause, "code") ? String(cause.code) : ""

/** Whether the server refuses to write: it is a standby, or another server has become the primary. */
export const isReadOnly = (failure: Failure): boolean =>
  failure._tag === "SqlError" && codeOf(failure) === readOnlyState

const readOnlyState = "25006"

/** The failure of a session that could not write. */
export const readOnly = new SqlError({
  reason: new UnknownError({
    message: "read-only",
    cause: { code: readOnlyState, message: "transaction_read_only is on" },
    operation: "query",
  }),
})

/** The failure of a session that is not one: each of its statements may run in another. */
export const sharedSession = new SqlError({
  reason: new UnknownError({
    message: `a pooler shares this session with other clients: connect to PostgreSQL itself, or through a pooler in session mode`,
    cause: "pooler",
    operation: "query",
  }),
})

const reasonOf = (error: SqlError): string => {
  const { message = "" } = error.reason
  const words = messageOf(error)
  const code = codeOf(error)
  if (words.includes("unsupported startup parameter"))
    return `a pooler answers in its place (${words}): ${direct}`
  const known = reasons.get(code) ?? reasons.get(words) ?? reasons.get(message)
  if (!isSqlState(code))
    return known?.replace("…", () => words) ?? (code === "" ? words : `${words} (${code})`)
  const answer = `${words}, SQLSTATE ${code}`
  if (known === undefined) return `${words} (SQLSTATE ${code})`
  return known.includes("…") ? known.replace("…", () => answer) : `${known} (${answer})`
}

/** Every SQLSTATE that this service can meet has a digit; no code of Node has. */
const isSqlState = (code: string): boolean => /^(?=.*\d)[\dA-Z]{5}$/.test(code)

const direct =
  "connect to PostgreSQL itself, because the leader lock and notifications need sessions of their own; PgBouncer in session mode also works, with these parameters in ignore_startup_parameters"

const unknownAuthority =
  "its certificate is signed by an authority that is not trusted: set DATABASE_CA_FILE to the certificate of that authority"

const wrongTables =
  "its tables are missing or of another release (…): run the command migrate, or deploy the release that migrated it"

/** Reasons by SQLSTATE, by the code of Node, or by the message of the driver. `…` stands for the original message. */
const reasons: ReadonlyMap<string, string> = new Map([
  // The way to the server.
  ["ECONNREFUSED", "nothing listens there (connection refused)"],
  ["ENOTFOUND", "the host name is unknown"],
  ["EAI_AGAIN", "the host name cannot be looked up at the moment"],
  ["EHOSTUNREACH", "the host cannot be reached"],
  ["ENETUNREACH", "the network of the host cannot be reached"],
  ["ETIMEDOUT", "the host does not answer"],
  ["Connection timed out", "the host does not answer"],
  ["ECONNRESET", "the connection was closed by the server or the network"],
  ["EPIPE", "the connection was closed by the server or the network"],
  ["Connection closed", "the connection was closed by the server or the network"],
  ["Connection closed unexpectedly", "the connection was closed at once, so it may not be PostgreSQL"],
  ["PgConnection: Failed to parse server response", "it does not speak PostgreSQL's protocol"],
  ["PgConnection: Invalid SSLRequest response", "it does not speak PostgreSQL's protocol"],
  // TLS.
  ["The server does not support TLS", "it does not offer TLS, which is needed beyond loopback"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", unknownAuthority],
  ["SELF_SIGNED_CERT_IN_CHAIN", unknownAuthority],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", unknownAuthority],
  ["CERT_SIGNATURE_FAILURE", unknownAuthority],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet"],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "its certificate is for another host name: use the host name of the certificate",
  ],
  // Logging in.
  ["28P01", "the password is wrong, or there is no such user"],
  ["28000", "it does not let this user in (…)"],
  ["The server requested password authentication", "it asks for a password, and none is set"],
  ["3D000", "there is no such database"],
  ["53300", "it has no connection left (…)"],
  ["57P03", "it does not accept connections at the moment (…)"],
  // Statements.
  ["25006", "it is read-only (…): connect to the primary server"],
  ["3F000", wrongTables],
  ["42501", "this user may not do that (…)"],
  ["42P01", wrongTables],
  ["42703", wrongTables],
  ["53100", "its disk is full"],
  ["55P03", "other sessions hold its tables for too long (…)"],
  ["57014", "it took too long (…)"],
  ["57P01", "the server was shut down or ended the connection (…)"],
])
