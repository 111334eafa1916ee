/** The settings that the log may show: all that are not secret. */
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Program, Setting } from "./Setting.ts"
import { type Declarations, declarations } from "./SettingDeclarations.ts"
import type { SettingValues } from "./SettingValues.ts"

/** Each setting that has a value, as it would be written in the environment. */
export const of = (values: SettingValues<Declarations>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries<Setting<unknown, string | null, Program>>(declarations).flatMap(([name, { schema }]) => {
      const value: unknown = values[name as keyof Declarations]
      if (value === undefined || isSecret(value)) return []
      // A base URL may contain a user and a password, or a key in its query.
      const text = value instanceof URL ? value.origin + value.pathname : Schema.encodeSync(schema)(value)
      return [[name, text]]
    }),
  )

const isSecret = (value: unknown): boolean =>
  Redacted.isRedacted(value) || (Array.isArray(value) && value.some(Redacted.isRedacted))
