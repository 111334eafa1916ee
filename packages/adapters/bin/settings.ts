/** Prints the README's table of settings; a test holds the README to it. */
import { declarations } from "@btc-price/adapters/settings/SettingDeclarations"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"

const rows = Object.entries(declarations).map(
  ([name, { fallback, meaning, expected }]) =>
    `| \`${name}\` | ${fallback === null ? "" : `\`${fallback}\``} | ${meaning} | ${expected} |`,
)

NodeRuntime.runMain(
  Console.log(["| setting | default | what it does | value |", "|---|---|---|---|", ...rows].join("\n")),
)
