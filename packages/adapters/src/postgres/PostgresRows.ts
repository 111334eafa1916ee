/** Rows that are decoded one by one, so that a row that cannot be read costs only itself. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/**
 * The rows that `decode` accepts, decoded. The rows for which it throws are left out, and one line of the log counts
 * them. `verify` reports each unreadable price and gap.
 */
export const decodeEach = Effect.fnUntraced(function* <Row, A>(
  table: string,
  rows: ReadonlyArray<Row>,
  decode: (row: Row) => A,
) {
  const decoded: Array<A> = []
  const failures: Array<unknown> = []
  for (const row of rows) {
    const result = Result.try(() => decode(row))
    if (Result.isSuccess(result)) decoded.push(result.success)
    else failures.push(result.failure)
  }
  if (failures.length > 0) {
    yield* Effect.logWarning("Left out rows that cannot be read; verify lists them").pipe(
      Effect.annotateLogs({ table, rows: failures.length, first: String(failures[0]) }),
    )
  }
  return decoded
})
