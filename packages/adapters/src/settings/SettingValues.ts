/** What declarations make of the environment. */
import type { Program, Setting } from "./Setting.ts"

/** The value of each declared setting. A value that the program `P` needs is never undefined. */
export type SettingValues<Declarations, P extends Program = never> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends Setting<
    infer A,
    infer Fallback,
    infer Needing
  >
    ?
        | A
        | (Fallback extends null
            ? [P] extends [never]
              ? undefined
              : P extends Needing
                ? never
                : undefined
            : never)
    : never
}
