/** The log for people: one line per event, with the time in UTC, the level, the message and its facts. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import { styleText } from "node:util"

/** A longer text is cut off. The JSON log has all of it. */
const textLengthMaximum = 300

const styles = { Fatal: "red", Error: "red", Warn: "yellow", Info: "green", Debug: "blue" } as const
type Style = (typeof styles)[keyof typeof styles] | "gray"

const styleOf = (level: LogLevel): Style => (level in styles ? styles[level as keyof typeof styles] : "gray")

/**
 * Facts that are lists or objects are only in the JSON log. Only a defect takes further lines, for its stack, because
 * the person who reads it has to report it.
 */
export const format = ({ isColored }: { readonly isColored: boolean }): Logger.Logger<unknown, string> => {
  const paint = (style: Style, text: string) =>
    isColored ? styleText(style, text, { validateStream: false }) : text
  return Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const texts = [...Arr.ensure(message).map(textOf), ...failuresOf(cause)].filter((text) => text !== "")
    const facts = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
      .filter(([, value]) => !Predicate.isObjectOrArray(value))
      .map(([name, value]) => `${name}=${valueOf(String(value))}`)
    return [
      paint("gray", `${date.toISOString().slice(11, 19)}Z`),
      paint(styleOf(logLevel), logLevel.toUpperCase().padEnd(5)),
      texts.join(": "),
      ...(facts.length === 0 ? [] : [paint("gray", facts.join(" "))]),
      ...(Cause.hasDies(cause) ? [`\n${Cause.pretty(cause)}`] : []),
    ].join(" ")
  })
}

/** An error counts as its message. */
const textOf = (part: unknown): string =>
  cut(
    Predicate.hasProperty(part, "message") && Predicate.isString(part.message) ? part.message : String(part),
  )

const failuresOf = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
  Cause.hasDies(cause) ? [] : Cause.prettyErrors(cause).map(textOf)

const valueOf = (text: string): string => (/^[^\s"=]+$/.test(text) ? cut(text) : JSON.stringify(cut(text)))

/** Control characters, which may come from a caller or a vendor, could rewrite what is on the terminal. */
const cut = (text: string): string => {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
  return line.length > textLengthMaximum ? `${line.slice(0, textLengthMaximum)}…` : line
}
