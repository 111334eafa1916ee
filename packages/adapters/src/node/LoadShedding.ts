/**
 * Refuses requests that cannot be answered within a second, and answers the rest in order.
 *
 * In each turn of its loop, Node accepts one connection and begins everything that has arrived. Under load a turn takes
 * seconds, so that nobody gets in. Here a turn begins requests for a limited time, and the others wait.
 */
import type { ServerResponse } from "node:http"

export interface Options {
  /** A time in milliseconds that only grows. */
  readonly now: () => number
  /** Runs the function in the next turn, after all that has arrived until then has been received. */
  readonly nextTurn: (run: () => void) => void
  /** `isCrowded`: connections are being accepted, so that the refused connection should make room. */
  readonly refuse: (response: ServerResponse, isCrowded: boolean) => void
}

/**
 * For how long a turn begins requests, in milliseconds: as long as all else has taken since the last time, such as
 * accepting and refusing, but within these bounds.
 */
const workMillis = { least: 2, most: 25 }

/** For how long turns that accept a connection begin no requests, so that one connection after the other is accepted. */
const acceptMillis = 50

/** While the first request in the queue has waited for longer than this, new requests are refused, in milliseconds. */
const queueMillis = 500

/** A request that has waited for longer than this is refused although it was queued, in milliseconds. */
const waitMillis = 1_000

/** So few waiting requests do not mean load. They wait however long it takes, for example while the program starts. */
const tolerated = 16

interface Waiting {
  readonly begin: () => void
  readonly response: ServerResponse
  readonly since: number
}

/** `add` begins the request of a response, now or soon, or refuses it. `accepted` says that a connection was accepted. */
export const make = ({ now, nextTurn, refuse }: Options) => {
  const queue = new Set<Waiting>()
  let turnEnds: number | undefined
  let worked = now()
  let hasAccepted = false
  let isScheduled = false

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    nextTurn(work)
  }
  /** Whether this turn still has time. */
  const hasTime = (): boolean => {
    if (turnEnds === undefined) {
      turnEnds = now() + Math.min(Math.max(now() - worked, workMillis.least), workMillis.most)
      schedule()
    }
    return now() < turnEnds
  }
  const isOverdue = ({ since }: Waiting, millis: number) => queue.size >= tolerated && now() - since > millis

  const work = () => {
    isScheduled = false
    turnEnds = undefined
    if (hasAccepted && now() - worked < acceptMillis) {
      hasAccepted = false
      return schedule()
    }
    const isCrowded = hasAccepted
    hasAccepted = false
    for (const waiting of queue) {
      const isRefused = isOverdue(waiting, waitMillis)
      if (!isRefused && !hasTime()) break
      queue.delete(waiting)
      if (isRefused) refuse(waiting.response, isCrowded)
      else waiting.begin()
    }
    worked = now()
  }

  const add = (begin: () => void, response: ServerResponse): void => {
    const [first] = queue
    if (first === undefined && hasTime()) return begin()
    if (first !== undefined && isOverdue(first, queueMillis)) return refuse(response, hasAccepted)
    const waiting: Waiting = { begin, response, since: now() }
    queue.add(waiting)
    // Nothing begins for a caller who has gone.
    response.once("close", () => queue.delete(waiting))
  }
  const accepted = () => {
    hasAccepted = true
  }
  return { add, accepted }
}
