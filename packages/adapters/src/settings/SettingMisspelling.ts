/** Environment variables that are probably meant as settings, but are none because of one typing error. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { declarations } from "./SettingDeclarations.ts"

/**
 * A line for each variable whose name is one typing error away from a setting that is not set. Such a variable may
 * belong to another program, so it is no reason to refuse the settings.
 */
export const warnings = Effect.gen(function* () {
  const provider = yield* ConfigProvider.ConfigProvider
  const variables = yield* variablesUnder(provider, [])
  const missing = Object.keys(declarations).filter((name) => !variables.includes(name))
  return variables.flatMap((variable) => {
    const meant = missing.find((name) => isOneErrorAway(variable.toUpperCase(), name))
    return meant === undefined || Object.hasOwn(declarations, variable)
      ? []
      : [`${variable} is not a setting of this program: did you mean ${meant}?`]
  })
})

/** The names of all variables. The provider knows them as paths of the words between the underscores. */
const variablesUnder = (
  provider: ConfigProvider.ConfigProvider,
  path: ConfigProvider.Path,
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const node = yield* Effect.orDie(provider.load(path))
    const children = node?._tag === "Record" ? [...node.keys] : []
    const deeper = yield* Effect.forEach(children, (child) => variablesUnder(provider, [...path, child]))
    return [...(node?.value === undefined ? [] : [path.join("_")]), ...deeper.flat()]
  })

/** Whether one letter too many, one too few, one wrong, or two that are swapped make `a` of `b`. */
const isOneErrorAway = (a: string, b: string): boolean => {
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  return left.length < 2 && right.length < 2
    ? true
    : left.length === 2 && left === [...right].toReversed().join("")
}
