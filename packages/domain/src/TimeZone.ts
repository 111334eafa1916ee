/** Time zones, which are named as in the IANA time zone database. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { timeZoneNames } from "./TimeZoneNames.ts"

/**
 * The zone with this name, in upper or lower case. `None` for every other text, such as an offset. The platform also
 * accepts abbreviations of its own, some of which mean another zone than most people expect: `BST` is Asia/Dhaka, not
 * Europe/London.
 *
 * The zone keeps its name: `Europe/Kyiv` stays `Europe/Kyiv`, although the platform calls it `Europe/Kiev`.
 */
export const parseTimeZone = (text: string): Option.Option<DateTime.TimeZone.Named> => {
  const name = names.get(text.toLowerCase())
  if (name === undefined) return Option.none()
  // Effect keeps every text that it has read as a zone. It only ever reads names from the list.
  return Option.map(DateTime.zoneMakeNamed(name), (zone) =>
    Object.create(zone, { id: { value: name, enumerable: true } }),
  )
}

/** By the name in lower case. The platform's own list adds zones that are newer than ours. */
const names: ReadonlyMap<string, string> = new Map(
  [...Intl.supportedValuesOf("timeZone"), ...timeZoneNames].map((name) => [name.toLowerCase(), name]),
)
