/** A setting: an environment variable with its meaning and its schema. */
import type * as Schema from "effect/Schema"

/**
 * `http` and `worker` are strict; `embedded` runs on a developer's own machine. A `command` of the worker runs on the
 * database of either.
 */
export type Program = "embedded" | "http" | "worker" | "command"

export interface Setting<A, Fallback extends string | null, Needing extends Program> {
  readonly schema: Schema.Codec<A, string>
  /** What a value must be, for documentation and for the message that refuses any other value. */
  readonly expected: string
  /** What the setting does, for documentation. */
  readonly meaning: string
  /** The default, as it would be written in the environment; null if there is no default. */
  readonly fallback: Fallback
  /** The programs that do not start without the setting. */
  readonly neededBy?: ReadonlyArray<Needing>
}

export const setting = <A, Fallback extends string | null, const Needing extends Program = never>(
  options: Setting<A, Fallback, Needing>,
): Setting<A, Fallback, Needing> => options
