/** Writes `docs/settings.md`. A test fails if that file differs from the declarations. */
import * as SettingsDocument from "@btc-price/adapters/settings/SettingsDocument"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { fileURLToPath } from "node:url"

const file = fileURLToPath(new URL("../../../docs/settings.md", import.meta.url))

NodeRuntime.runMain(
  Effect.flatMap(FileSystem.FileSystem, ({ writeFileString }) =>
    writeFileString(file, SettingsDocument.text()),
  ).pipe(Effect.provide(NodeServices.layer)),
)
