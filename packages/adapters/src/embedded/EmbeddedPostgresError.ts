/** Why the embedded PostgreSQL cannot run. The message is one line for the person at the keyboard. */
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"

/**
 * - `unsupported`: npm has no PostgreSQL for this platform
 * - `not-installed`: npm's PostgreSQL for this platform is not installed
 * - `unreadable`: the data folder cannot be read or written
 * - `incompatible`: the data folder holds other files, or data of another major version
 * - `in-use`: another running program uses the data folder
 * - `port-in-use`: the given port is already in use
 * - `password`: the data was created with another password
 * - `failed`: anything else, in PostgreSQL's own words
 */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()(
  "EmbeddedPostgresError",
  {
    reason: Schema.Literals([
      "unsupported",
      "not-installed",
      "unreadable",
      "incompatible",
      "in-use",
      "port-in-use",
      "password",
      "failed",
    ]),
    message: Schema.String,
    cause: Schema.optionalKey(Schema.Defect()),
  },
) {}

export const unreadable = (folder: string) => (cause: PlatformError) =>
  new EmbeddedPostgresError({
    reason: "unreadable",
    message: `Cannot read and write the data folder ${folder} (${cause.reason._tag}): make it accessible to this user or choose another folder`,
    cause,
  })

export const failed = (cause: PlatformError) =>
  new EmbeddedPostgresError({
    reason: "failed",
    message: `Cannot start PostgreSQL: ${cause.message}`,
    cause,
  })
