/** Where the next page of history begins: all that a cursor knows, so that nothing is kept between pages. */
import * as DateTime from "effect/DateTime"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { HistoryQuery } from "./HistoryQuery.ts"

export const encode = (question: HistoryQuery, start: DateTime.Utc): string =>
  Base64Url.encode(`${nameOf(question)}${DateTime.toEpochMillis(start)}`)

/** Undefined when the cursor is not one of this question. */
export const decode = (question: HistoryQuery, cursor: string): DateTime.Utc | undefined => {
  const text = Result.getOrElse(Base64Url.decodeString(cursor), () => "")
  const name = nameOf(question)
  const millis = text.startsWith(name) ? text.slice(name.length) : ""
  return /^\d{1,13}$/.test(millis) ? DateTime.makeUnsafe(Number(millis)) : undefined
}

const nameOf = ({ currency, interval, timeZone }: HistoryQuery): string =>
  `${currency} ${interval} ${DateTime.zoneToString(timeZone)} `
