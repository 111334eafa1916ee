/** The cursor of a history page. It contains the start of the next page, so the server keeps no state between pages. */
import * as DateTime from "effect/DateTime"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { HistoryQuery } from "./HistoryQuery.ts"

export const encode = (query: HistoryQuery, start: DateTime.Utc): string =>
  Base64Url.encode(`${nameOf(query)}${DateTime.toEpochMillis(start)}`)

/** Undefined if the cursor belongs to a different query. */
export const decode = (query: HistoryQuery, cursor: string): DateTime.Utc | undefined => {
  const text = Result.getOrElse(Base64Url.decodeString(cursor), () => "")
  const name = nameOf(query)
  const millis = text.startsWith(name) ? text.slice(name.length) : ""
  return /^\d{1,13}$/.test(millis) ? DateTime.makeUnsafe(Number(millis)) : undefined
}

const nameOf = ({ currency, interval, timeZone }: HistoryQuery): string =>
  `${currency} ${interval} ${DateTime.zoneToString(timeZone)} `
