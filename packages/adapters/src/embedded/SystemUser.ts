/** The operating-system user of PostgreSQL. PostgreSQL refuses to run as root, so under root it runs as another user. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import process from "node:process"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"

/** The numeric ids of a user and its primary group. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/** Unprivileged users that a machine may have, in order of preference. */
const candidates = ["postgres", "node", "nobody"]

/**
 * The user for the data in `folder`: undefined unless this process runs as root. Under root it is the owner of
 * `folder`, so that root can use an ordinary user's data without taking it over. If root owns `folder`, it is an
 * unprivileged user.
 */
export const choose = Effect.fnUntraced(function* (folder: string) {
  if (process.getuid?.() !== 0) return undefined
  const fileSystem = yield* FileSystem.FileSystem
  const owner = userOf(yield* fileSystem.stat(folder))
  if (owner.uid !== 0) return owner
  const users = (yield* fileSystem.readFileString("/etc/passwd")).split("\n").map((line) => line.split(":"))
  const [, , uid, gid] =
    candidates.map((name) => users.find((user) => user[0] === name)).find((found) => found) ?? []
  return uid === undefined
    ? yield* new EmbeddedPostgresError({
        reason: "failed",
        message: `PostgreSQL does not run as root: create the user ${candidates.join(" or ")}, or run as another user`,
      })
    : { uid: Number(uid), gid: Number(gid) }
})

/** Whether `user` may pass through every folder above `place`, and enter or execute `place` itself. */
export const canReach = Effect.fnUntraced(function* (user: SystemUser, place: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (let step = yield* fileSystem.realPath(place); ; step = path.dirname(step)) {
    const info = yield* fileSystem.stat(step)
    const owner = userOf(info)
    const shift = owner.uid === user.uid ? 6 : owner.gid === user.gid ? 3 : 0
    if (((info.mode >> shift) & 1) === 0) return false
    if (step === path.dirname(step)) return true
  }
})

/**
 * `ChildProcess.make` as `user`. Effect cannot change the user of a child process, so a separate Node changes its
 * own user and then becomes the program.
 */
export const command = (
  user: SystemUser | undefined,
  program: string,
  args: ReadonlyArray<string>,
  options: ChildProcess.CommandOptions,
): ChildProcess.StandardCommand =>
  user === undefined
    ? ChildProcess.make(program, args, options)
    : ChildProcess.make(
        process.execPath,
        ["--eval", become, "--", String(user.uid), String(user.gid), program, ...args],
        options,
      )

const become = `
const [, uid, gid, ...command] = process.argv
process.setgroups([])
process.setgid(Number(gid))
process.setuid(Number(uid))
process.execve(command[0], command)`

const userOf = ({ uid, gid }: FileSystem.File.Info): SystemUser => ({
  uid: Option.getOrElse(uid, () => 0),
  gid: Option.getOrElse(gid, () => 0),
})
