/** The command line of the worker program. */
import type { LegacyPrices } from "@btc-price/domain/LegacyPrices"
import type { PriceHistories } from "@btc-price/domain/PriceHistory"
import type { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { Seals } from "@btc-price/domain/Seals"
import type { SourceGate } from "@btc-price/domain/SourceGate"
import * as Command from "effect/cli/Command"
import type * as Digest from "effect/crypto/Digest"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { CommandSettings } from "./command-line/CommandSettings.ts"
import * as Backfill from "./commands/Backfill.ts"
import * as Export from "./commands/Export.ts"
import * as ImportLegacy from "./commands/ImportLegacy.ts"
import * as Migrate from "./commands/Migrate.ts"
import * as Prune from "./commands/Prune.ts"
import * as Repair from "./commands/Repair.ts"
import * as Verify from "./commands/Verify.ts"

/** Runs `work` if no command is given. `adapters` are built for a command that runs, not for its help. */
export const make = <E, R, AE, AR>(
  work: Effect.Effect<never, E, R>,
  adapters: (given: {
    readonly json: boolean
  }) => Layer.Layer<
    PriceRepository | Seals | PriceHistories | SourceGate | LegacyPrices | CommandSettings | Digest.Digest,
    AE,
    AR
  >,
) =>
  Command.make("npm run -s worker --", {}, () => work).pipe(
    Command.withDescription(
      "Without a command this is the worker: it samples the price of each slot and maintains the database until it is stopped. The commands work on the database DATABASE_URL or, if that is not set, on the data of npm start in DATA_DIR, whether npm start is running or not. They never take the leader lock from a worker.",
    ),
    Command.withSubcommands([
      Command.provide(Backfill.command, adapters),
      Command.provide(Repair.command, adapters),
      Command.provide(Verify.command, adapters),
      Command.provide(ImportLegacy.command, adapters),
      Command.provide(Export.command, adapters),
      Command.provide(Prune.command, adapters),
      Command.provide(Migrate.command, adapters),
    ]),
  )
