/** Allows for clients whose clocks are ahead of ours. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/** A time that is less than this ahead is taken for now. */
const limit = Duration.minutes(1)

export const message = "expected a time that is not in the future"

/** The time that a client meant, which is never after `now`; undefined if `time` is in the future. */
export const toPast = (time: DateTime.Utc, now: DateTime.Utc): DateTime.Utc | undefined =>
  DateTime.isLessThan(time, DateTime.addDuration(now, limit)) ? DateTime.min(time, now) : undefined
