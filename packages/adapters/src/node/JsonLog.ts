/** The log for machines: an event is one line, a JSON object. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"

/** Errors whose message says all that is known about the failure. Their stack and their cause would repeat it. */
const explained: ReadonlySet<string> = new Set(["RepositoryError", "LeaderLockError"])

export const format: Logger.Logger<unknown, string> = Logger.make((options) => {
  const entry = Logger.formatStructured.log(options)
  const { reasons } = options.cause
  const isExplained = reasons.length > 0 && reasons.every(isExplainedFailure)
  return Formatter.formatJson(
    isExplained ? { ...entry, cause: Cause.prettyErrors(options.cause)[0]?.message } : entry,
  )
})

const isExplainedFailure = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason) &&
  Predicate.hasProperty(reason.error, "_tag") &&
  Predicate.hasProperty(reason.error, "detail") &&
  explained.has(String(reason.error._tag))
