/** The account that PostgreSQL runs under: it refuses to be root, so a root user's database is another's. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import process from "node:process"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"

/** Numbers of a user and its first group. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Accounts without rights of their own that a machine may have, the best first. */
const candidates = ["postgres", "node", "nobody"]

/**
 * The account for the data in `folder`: none to change to unless we are root; then the owner of `folder`,
 * so that root can use the data of an ordinary user and leave it theirs, or one without rights.
 */
export const choose = Effect.fnUntraced(function* (folder: string) {
  if (process.getuid?.() !== 0) return undefined
  const fileSystem = yield* FileSystem.FileSystem
  const owner = accountOf(yield* fileSystem.stat(folder))
  if (owner.uid !== 0) return owner
  const accounts = (yield* fileSystem.readFileString("/etc/passwd"))
    .split("\n")
    .map((line) => line.split(":"))
  const [, , uid, gid] =
    candidates.map((name) => accounts.find((account) => account[0] === name)).find((found) => found) ?? []
  return uid === undefined
    ? yield* new EmbeddedPostgresError({
        reason: "failed",
        message: `PostgreSQL does not run as root: make an account ${candidates.join(", ")}, or run as another user`,
      })
    : { uid: Number(uid), gid: Number(gid) }
})

/** Whether `account` may pass through every folder above `place`, and into or execute `place` itself. */
export const canReach = Effect.fnUntraced(function* (account: Account, place: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (let step = yield* fileSystem.realPath(place); ; step = path.dirname(step)) {
    const info = yield* fileSystem.stat(step)
    const owner = accountOf(info)
    const shift = owner.uid === account.uid ? 6 : owner.gid === account.gid ? 3 : 0
    if (((info.mode >> shift) & 1) === 0) return false
    if (step === path.dirname(step)) return true
  }
})

/**
 * `ChildProcess.make` under `account`. Effect cannot change the user of a child, so a Node of its own does,
 * and then becomes the program.
 */
export const command = (
  account: Account | undefined,
  program: string,
  args: ReadonlyArray<string>,
  options: ChildProcess.CommandOptions,
): ChildProcess.StandardCommand =>
  account === undefined
    ? ChildProcess.make(program, args, options)
    : ChildProcess.make(
        process.execPath,
        ["--eval", become, "--", String(account.uid), String(account.gid), program, ...args],
        options,
      )

const become = `
const [, uid, gid, ...command] = process.argv
process.setgroups([])
process.setgid(Number(gid))
process.setuid(Number(uid))
process.execve(command[0], command)`

const accountOf = ({ uid, gid }: FileSystem.File.Info): Account => ({
  uid: Option.getOrElse(uid, () => 0),
  gid: Option.getOrElse(gid, () => 0),
})
