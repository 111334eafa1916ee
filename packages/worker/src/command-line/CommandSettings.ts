/** What the commands need to know about the installation. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"

export class CommandSettings extends Context.Service<
  CommandSettings,
  {
    readonly currencies: ReadonlyArray<Currency>
    /** The time zone of dates without a time, and of the averaged days and months. */
    readonly timeZone: DateTime.TimeZone.Named
    /** How many whole UTC months to keep besides the current month; undefined keeps all. */
    readonly retentionMonths: number | undefined
    /** Progress is in the log if the log is JSON. */
    readonly log: { readonly format: "pretty" | "json" | "terminal" }
  }
>()("@btc-price/worker/command-line/CommandSettings") {}
