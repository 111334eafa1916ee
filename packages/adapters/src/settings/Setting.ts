/** What a setting is. */
import type * as Schema from "effect/Schema"

/** `http` and `worker` are strict; `embedded` is the run on one's own machine. */
export type Program = "embedded" | "http" | "worker"

export interface Setting<A, Fallback extends string | null, Needing extends Program> {
  readonly schema: Schema.Codec<A, string>
  /** What a value must be, for the message that refuses another. */
  readonly expected: string
  /** What it does, for the README's table. */
  readonly meaning: string
  /** As it would be written in the environment; null: no value. */
  readonly fallback: Fallback
  /** Programs that do not start without it. */
  readonly neededBy?: ReadonlyArray<Needing>
}

export const setting = <A, Fallback extends string | null, const Needing extends Program = never>(
  options: Setting<A, Fallback, Needing>,
): Setting<A, Fallback, Needing> => options
