/** Reads one setting from the environment. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { Program, Setting } from "./Setting.ts"

/**
 * The value of the setting, undefined if it is absent. White space around it is ignored, because a Secret made with
 * `echo` ends with a line break. Fails with a line that says what is wrong.
 */
export const read = Effect.fnUntraced(function* (
  program: Program,
  name: string,
  { schema, expected, fallback, neededBy = [] }: Setting<unknown, string | null, Program>,
): Effect.fn.Return<unknown, string> {
  const written = yield* Effect.orDie(Config.option(Config.String(name)))
  const text = Option.match(written, { onNone: () => fallback, onSome: (value) => value.trim() })
  if (text === null) {
    return neededBy.includes(program)
      ? yield* Effect.fail(`${name} is not set: expected ${expected}`)
      : undefined
  }
  const fault = faultOf(text)
  if (fault !== undefined) return yield* Effect.fail(`${name} ${fault}: expected ${expected}`)
  return yield* Schema.decodeEffect(schema)(text, { errors: "all", reportInput: true }).pipe(
    Effect.mapError(({ issue }) => `${name} is not valid${because(wrongItems(issue))}: expected ${expected}`),
  )
})

/** What is wrong with a text whatever the setting is. */
const faultOf = (text: string): string | undefined => {
  if (text === "") return "is set but empty (leave it out to use the default)"
  if (/^(["']).*\1$/s.test(text))
    return "has quotes around it, which belong to the shell and not to the value"
  // The items of a list may be on lines of their own.
  return /\p{Cc}/u.test(text.replaceAll(/\s*,\s*/g, ","))
    ? "has a line break or another control character in it"
    : undefined
}

/** The items of a list that are not valid. A secret is redacted before it is checked and is never among them. */
const wrongItems = (issue: SchemaIssue.Issue): ReadonlyArray<string> => {
  if (issue._tag === "Composite") return issue.issues.flatMap(wrongItems)
  if (issue._tag === "Encoding" || issue._tag === "Filter") return wrongItems(issue.issue)
  return issue._tag === "Pointer" && typeof issue.issue.input === "string" ? [issue.issue.input] : []
}

const because = (items: ReadonlyArray<string>): string =>
  items.length === 0 ? "" : ` because of ${items.map((item) => JSON.stringify(item)).join(" and ")}`
