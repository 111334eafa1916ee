/** What is wrong with a request beyond what its schema says: collected, and refused together. */
import * as Effect from "effect/Effect"
import { InvalidRequest } from "./api/Problem.ts"

export interface Fault {
  readonly field: string
  readonly message: string
}

/** Fails with the faults when there are any. */
export const refuse = (faults: ReadonlyArray<Fault>): Effect.Effect<void, InvalidRequest> =>
  faults.length === 0 ? Effect.void : Effect.fail(new InvalidRequest({ errors: faults }))
