/** Something that another takes the place of while it is in use: nobody who uses it is cut off. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

export interface Turn<A> {
  readonly value: A
  /** Returns when another has taken its place: then it is time to let go. */
  readonly untilOver: Effect.Effect<void>
}

export interface Succession<A> {
  /** The one whose turn it is, open until the scope closes at least; undefined: there is none yet. */
  readonly current: Effect.Effect<Turn<A> | undefined, never, Scope.Scope>
  /**
   * Opens another, whose turn it is from then on. The one before closes, in the background, when the last who has
   * it lets go.
   */
  readonly replace: <E>(open: Effect.Effect<A, E, Scope.Scope>) => Effect.Effect<void, E>
}

interface Entry<A> extends Turn<A> {
  readonly scope: Scope.Closeable
  readonly over: Deferred.Deferred<void>
  readonly closed: Deferred.Deferred<void>
  /** Who has it; its turn counts as one. */
  holders: number
}

/** When the scope closes it waits until all are closed. */
export const make = Effect.fnUntraced(function* <A>(): Effect.fn.Return<Succession<A>, never, Scope.Scope> {
  const open = new Set<Entry<A>>()
  let current: Entry<A> | undefined

  const leave = (entry: Entry<A> | undefined) =>
    Effect.suspend(() => {
      if (entry === undefined || --entry.holders > 0) return Effect.void
      const close = Effect.andThen(
        Effect.exit(Scope.close(entry.scope, Exit.void)),
        Effect.sync(() => open.delete(entry)),
      )
      return Effect.asVoid(
        Effect.forkDetach(Effect.andThen(close, Deferred.succeed(entry.closed, undefined))),
      )
    })

  const enter = Effect.sync(() => {
    if (current !== undefined) current.holders += 1
    return current
  })

  const end = Effect.gen(function* () {
    const last = current
    current = undefined
    yield* leave(last)
    yield* Effect.forEach([...open], ({ closed }) => Deferred.await(closed), { discard: true })
  })
  yield* Effect.addFinalizer(() => end)

  return {
    current: Effect.acquireRelease(enter, leave),
    replace: (make) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const value = yield* restore(Scope.provide(make, scope)).pipe(
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          )
          const before = current
          const [over, closed] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
          current = { value, untilOver: Deferred.await(over), scope, over, closed, holders: 1 }
          open.add(current)
          if (before !== undefined) yield* Deferred.succeed(before.over, undefined)
          yield* leave(before)
        }),
      ),
  }
})
