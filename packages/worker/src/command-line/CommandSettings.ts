/** What the commands need to know of the installation that they work on. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"

export class CommandSettings extends Context.Service<
  CommandSettings,
  {
    readonly currencies: ReadonlyArray<Currency>
    /** The zone of dates without a time, and of the days and months that are averaged. */
    readonly timeZone: DateTime.TimeZone.Named
    /** Whole UTC months kept beside the running one; undefined: all. */
    readonly retentionMonths: number | undefined
  }
>()("@btc-price/worker/command-line/CommandSettings") {}
