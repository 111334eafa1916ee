/** Why the embedded PostgreSQL cannot run; the message is one line for the person at the keyboard. */
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"

/**
 * - `unsupported`: there is no PostgreSQL of npm for this platform
 * - `not-installed`: there is one, but it is not installed
 * - `unreadable`: the data folder cannot be read and written
 * - `incompatible`: the data folder holds something else, or data of another major version
 * - `in-use`: another run that is alive uses the data folder
 * - `port-in-use`: the given port is taken
 * - `password`: the data folder was made with another password
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
    message: `Cannot read and write the data folder ${folder} (${cause.reason._tag}): give it to this user or choose another`,
    cause,
  })

export const failed = (cause: PlatformError) =>
  new EmbeddedPostgresError({
    reason: "failed",
    message: `PostgreSQL cannot be started: ${cause.message}`,
    cause,
  })
