/** What is wrong with a request, by the field that it is in: collected, and refused together. */
import * as Effect from "effect/Effect"
import * as SchemaIssue from "effect/SchemaIssue"
import { InvalidRequest } from "../api/Problem.ts"

/** The most faults that one refusal names. */
const faultLimit = 100

export interface Fault {
  /** A parameter, or the path into a body such as `questions.0.time`; empty: the whole of it. */
  readonly field: string
  readonly message: string
}

/** Fails with the faults when there are any. */
export const refuse = (faults: ReadonlyArray<Fault>): Effect.Effect<void, InvalidRequest> =>
  faults.length === 0 ? Effect.void : Effect.fail(toProblem(faults))

export const toProblem = (faults: ReadonlyArray<Fault>): InvalidRequest =>
  new InvalidRequest({ errors: faults.slice(0, faultLimit) })

/** Where a schema was not met, and what it expected. Of what was sent no value is repeated, only the names of fields. */
export const ofIssue = (issue: SchemaIssue.Issue): ReadonlyArray<Fault> =>
  formatIssue(issue).issues.map(({ path, message }) => ({
    field: path?.map(String).join(".") ?? "",
    message,
  }))

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()
