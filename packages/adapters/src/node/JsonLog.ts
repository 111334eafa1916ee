/** The log for machines: an event is one line, a flat JSON object. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { version } from "./Version.ts"

/** Errors whose message says all that is known about the failure. Their stack and their cause would repeat it. */
const explained: ReadonlySet<string> = new Set(["RepositoryError", "LeaderLockError"])

/** `service` names the program, such as `btc-price-api`. Every line of a request has the same `trace_id`. */
export const format = (service: string): Logger.Logger<unknown, string> =>
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const parts = Arr.ensure(message)
    const failed = parts.find((part) => !Predicate.isString(part))
    const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
    return Formatter.formatJson({
      time: date.toISOString(),
      level: logLevel.toLowerCase(),
      msg: parts.filter(Predicate.isString).join(" "),
      service,
      version,
      trace_id: span?.traceId,
      span_id: span?.spanId,
      ...flat(fiber.getRef(References.CurrentLogAnnotations)),
      error: errorOf(cause.reasons.length > 0 || failed === undefined ? cause : Cause.fail(failed)),
    })
  })

/** An object becomes a field for each of its keys: `{ detail: { EUR } }` becomes `detail.EUR`. */
const flat = (annotations: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(annotations).flatMap(([name, value]) =>
      Predicate.isObject(value) && Object.getPrototypeOf(value) === Object.prototype
        ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner])
        : [[name, value]],
    ),
  )

/** Undefined if nothing failed. */
const errorOf = (cause: Cause.Cause<unknown>) => {
  const [first] = Cause.prettyErrors(cause)
  if (first === undefined) return undefined
  const error = Cause.squash(cause)
  return {
    type: Predicate.hasProperty(error, "_tag") ? String(error._tag) : first.name,
    message: first.message,
    sqlstate: sqlStateOf(error),
    stack: cause.reasons.every(isExplainedFailure) ? undefined : Cause.pretty(cause),
  }
}

/** PostgreSQL's code of what went wrong, which the innermost of the causes has. */
const sqlStateOf = (error: unknown): string | undefined => {
  if (!Predicate.isObject(error)) return undefined
  const { cause, code, reason } = error as Readonly<Record<string, unknown>>
  const isState = Predicate.isString(code) && /^(?=.*\d)[0-9A-Z]{5}$/.test(code)
  return isState ? code : (sqlStateOf(reason) ?? sqlStateOf(cause))
}

const isExplainedFailure = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason) &&
  Predicate.hasProperty(reason.error, "_tag") &&
  Predicate.hasProperty(reason.error, "detail") &&
  explained.has(String(reason.error._tag))
