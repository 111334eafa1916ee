/** Settings of a program's data folder, its log and its end. */
import * as Schema from "effect/Schema"
import { type Program, setting } from "./Setting.ts"
import { Text, WholeNumber } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const expectedSeconds = "a whole number of seconds up to 3600"
const Seconds = WholeNumber.check(Schema.isLessThanOrEqualTo(3600))

export const declarations = {
  DATA_DIR: setting({
    schema: Text,
    expected: "a folder",
    meaning:
      "folder in which the embedded program stores its data, and in which the worker's commands find it without `DATABASE_URL`",
    fallback: ".data",
  }),
  LOG_LEVEL: setting({
    schema: Schema.Literals(["debug", "info", "warn", "error"]),
    expected: "debug, info, warn or error",
    meaning: "lowest level that is logged",
    fallback: "info",
  }),
  LOG_FORMAT: setting({
    schema: Schema.Literals(["pretty", "json"]),
    expected: "pretty or json",
    meaning:
      "format of the log; default: `json` in the API and the worker unless they run on a terminal, and with `--json` in the worker's commands; otherwise `pretty`",
    fallback: null,
  }),
  DRAIN_SECONDS: setting({
    schema: Seconds,
    expected: expectedSeconds,
    meaning:
      "how long the API goes on answering after SIGTERM, while `/ready` answers 503 and each response closes its connection: longer than load balancers take to notice; the embedded program stops at once",
    fallback: "5",
  }),
  GRACE_PERIOD_SECONDS: setting({
    schema: Seconds,
    expected: `${expectedSeconds}, above DRAIN_SECONDS`,
    meaning:
      "maximum time from SIGTERM to the end of the API, in which running downloads may end: a few seconds less than the platform waits before it kills the process; the embedded program and the worker take at most 4 s",
    fallback: "25",
  }),
} as const

type Values = SettingValues<typeof declarations>

/** A drain that leaves no time for the rest. */
export const problems = (values: Values): ReadonlyArray<string> =>
  values.DRAIN_SECONDS >= values.GRACE_PERIOD_SECONDS
    ? ["GRACE_PERIOD_SECONDS is not above DRAIN_SECONDS: running responses need time to end"]
    : []

/** How the program stops. Only the API has load balancers in front of it. */
export const stop = (program: Program, values: Values) =>
  program === "http"
    ? { drainSeconds: values.DRAIN_SECONDS, graceSeconds: values.GRACE_PERIOD_SECONDS }
    : { drainSeconds: 0, graceSeconds: 4 }

/** How long running responses may take after the drain. The rest, such as the database's connections, has a second. */
export const responseSeconds = (program: Program, values: Values): number => {
  const { drainSeconds, graceSeconds } = stop(program, values)
  return graceSeconds - drainSeconds - 1
}
