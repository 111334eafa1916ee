/** The outcome of starting a server: it accepts connections, or it has ended for a reason. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import * as Folder from "./Folder.ts"

/** The maximum time for a start, including recovery from a crash. */
const startLimitSeconds = 60

/**
 * Waits until the server on `port` reports in its `postmaster.pid` that it is ready, as pg_ctl does. The port
 * distinguishes it from the server of an earlier run, which may still be starting if that run has just been killed.
 */
export const isReady = (folder: Folder.Folder, port: number) =>
  Folder.readPostmasterFile(folder.cluster).pipe(
    Effect.repeat({
      until: (text) => text !== folder.leftover && readyPort(text) === port,
      schedule: Schedule.spaced("5 millis"),
    }),
    Effect.timeoutOrElse({
      duration: `${startLimitSeconds} seconds`,
      orElse: () =>
        Effect.fail(
          new EmbeddedPostgresError({
            reason: "failed",
            message: `PostgreSQL was not ready within ${startLimitSeconds} seconds; see ${folder.log}`,
          }),
        ),
    }),
  )

/** The port of a server whose `postmaster.pid` says that it is ready; undefined if it does not. */
export const readyPort = (postmasterFile: string): number | undefined => {
  const lines = postmasterFile.split("\n")
  return lines[7]?.trim() === "ready" ? Number(lines[3]) : undefined
}

/** Opens one session, which proves that the server is ours and that the password is right. */
export const connect = (home: string, url: Redacted.Redacted) =>
  PgConnection.make({ url, ssl: false }).pipe(
    Effect.scoped,
    Effect.mapError(
      (cause) =>
        new EmbeddedPostgresError(
          cause.reason._tag === "AuthenticationError"
            ? {
                reason: "password",
                message: `The database in ${home} was created with another password: restore that password or choose another folder`,
                cause,
              }
            : {
                reason: "failed",
                message: `PostgreSQL does not accept connections: ${cause.message}`,
                cause,
              },
        ),
    ),
  )

/** Fails with the reason that the log gives for the server's end. */
export const explain = Effect.fnUntraced(function* (folder: Folder.Folder, port: number) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fileSystem.readFileString(folder.log), () => "")
  if (text.includes("could not bind")) {
    return yield* new EmbeddedPostgresError({
      reason: "port-in-use",
      message: `Port ${port} for PostgreSQL is already in use: choose another port`,
    })
  }
  if (/lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(text)) {
    return yield* Folder.inUse(folder.home)
  }
  const lines = text.trim().split("\n")
  const line = lines.findLast((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? ""
  return yield* new EmbeddedPostgresError({
    reason: "failed",
    message: `PostgreSQL did not start: ${line.replace(/^.*\] /, "")} (see ${folder.log})`,
  })
})
