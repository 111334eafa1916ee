/** Settings of where a program keeps data, and of what it logs. */
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { Text } from "./SettingSchemas.ts"

export const declarations = {
  DATA_DIR: setting({
    schema: Text,
    expected: "a folder",
    meaning: "where the embedded program keeps its data",
    fallback: ".data",
  }),
  LOG_LEVEL: setting({
    schema: Schema.Literals(["debug", "info", "warn", "error"]),
    expected: "debug, info, warn or error",
    meaning: "least severe level that is logged",
    fallback: "info",
  }),
  LOG_FORMAT: setting({
    schema: Schema.Literals(["pretty", "json"]),
    expected: "pretty or json",
    meaning: "form of the log; default: `pretty` in the embedded program, `json` in the others",
    fallback: null,
  }),
} as const
