/** What the declarations make of the environment. */
import type { Program, Setting } from "./Setting.ts"
import type { declarations } from "./SettingDeclarations.ts"

type Declarations = typeof declarations

/** The value of each setting; what `P` needs is there. */
export type SettingValues<P extends Program = never> = {
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
