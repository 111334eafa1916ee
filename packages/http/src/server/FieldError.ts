/** What is wrong with a field of a request. All errors of a request are collected and returned together. */
import * as Effect from "effect/Effect"
import * as SchemaAST from "effect/SchemaAST"
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

/** Lists the first error of each field. */
export const toProblem = (all: ReadonlyArray<FieldError>): InvalidRequest => {
  const errors = Array.from(Map.groupBy(all, ({ field }) => field).values(), ([first]) => first!)
  return new InvalidRequest({
    errors: errors.slice(0, errorLimit),
    ...(errors.length > errorLimit
      ? { detail: `The first ${errorLimit} of ${errors.length} errors are listed.` }
      : {}),
  })
}

/**
 * The fields that do not satisfy a schema, and what was expected. Never repeats a value that was sent; an unknown field
 * is named.
 */
export const ofIssue = (issue: SchemaIssue.Issue): ReadonlyArray<FieldError> =>
  formatIssue(issue).issues.map(({ path, message }) => ({
    field: path?.map((name) => String(name).slice(0, nameLimit)).join(".") ?? "",
    message,
  }))

/** The maximum length of a field's name, which may be the client's own. */
const nameLimit = 64

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey"
      ? `not a field of this object: its fields are ${fieldsOf(issue.ast).join(", ")}`
      : SchemaIssue.defaultLeafHook(issue),
})

const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []
