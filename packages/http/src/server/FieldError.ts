/** What is wrong with a field of a request. All errors of a request are collected and returned together. */
import * as Effect from "effect/Effect"
import * as SchemaIssue from "effect/SchemaIssue"
import { InvalidRequest } from "../api/Problem.ts"

/** The maximum number of errors in one response. */
const errorLimit = 100

export interface FieldError {
  /** A parameter, or a path into the body such as `questions.0.time`; empty for the body as a whole. */
  readonly field: string
  readonly message: string
}

/** Fails with all errors if there are any. */
export const refuse = (errors: ReadonlyArray<FieldError>): Effect.Effect<void, InvalidRequest> =>
  errors.length === 0 ? Effect.void : Effect.fail(toProblem(errors))

export const toProblem = (errors: ReadonlyArray<FieldError>): InvalidRequest =>
  new InvalidRequest({ errors: errors.slice(0, errorLimit) })

/** The fields that do not satisfy a schema, and what was expected. Never repeats a value that was sent. */
export const ofIssue = (issue: SchemaIssue.Issue): ReadonlyArray<FieldError> =>
  formatIssue(issue).issues.map(({ path, message }) => ({
    field: path?.map(String).join(".") ?? "",
    message,
  }))

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()
