/** Settings of a program's data folder and its log. */
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { Text } from "./SettingSchemas.ts"

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
} as const
