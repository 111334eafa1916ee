/**
 * How a program stops without failing a request. Load balancers learn of the stop late and send requests until then, so
 * the program first drains: it answers as before, but it is not ready, and each response ends its connection.
 */
import * as Context from "effect/Context"

/** Set to true once, when the program begins to stop. */
export const Drain = Context.Reference<{ isDraining: boolean }>("@btc-price/adapters/node/Drain", {
  defaultValue: () => ({ isDraining: false }),
})

export interface Options {
  /** How long the program drains before it stops accepting connections. */
  readonly drainSeconds: number
  /** The maximum time from the signal to the end. Whatever has not ended by then, such as a download, is abandoned. */
  readonly graceSeconds: number
}
