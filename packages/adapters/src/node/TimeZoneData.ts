/**
 * The time zone data of this process. Countries change their clocks at short notice, so old data gives days and months
 * that begin an hour early or late.
 */
import * as Metric from "effect/Metric"

/** The version of the IANA time zone database, such as `2026e`: its year, and a letter for each version of the year. */
export const version: string = process.versions.tz ?? "unknown"

/** Sets the metric that shows the version. */
export const report = Metric.update(
  Metric.withAttributes(
    Metric.gauge("btc_price_time_zone_data_year", {
      description: "The year of the time zone data; alert when it is older than the last year",
    }),
    { version },
  ),
  Number.parseInt(version, 10) || 0,
)
