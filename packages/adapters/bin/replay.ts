#!/usr/bin/env node
/** Runs the replay of CoinGecko until Ctrl-C: `node packages/adapters/bin/replay.ts --port 5002`. */
import { CoinGeckoReplay, layer } from "@btc-price/adapters/embedded/CoinGeckoReplay"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const port = Flag.Int("port").pipe(
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))),
  Flag.withDescription("The port on 127.0.0.1 to listen on; 0 picks a free port"),
  Flag.withDefault(5002),
)

const replay = Command.make(
  "replay",
  { port },
  Effect.fnUntraced(function* () {
    const { baseUrl } = yield* CoinGeckoReplay
    yield* Console.log(`COINGECKO_BASE_URL=${baseUrl}

Recorded prices of May 2021, repeated, at CoinGecko's paths. Request a price, then inject a fault:

  curl '${baseUrl}/simple/price?ids=bitcoin&vs_currencies=eur,czk&precision=full'
  curl -X PUT '${new URL("/fault/rate-limited", baseUrl).href}'    (all faults: ${new URL("/faults", baseUrl).href})
`)
    return yield* Effect.never
  }),
).pipe(
  Command.withDescription(
    "Serves CoinGecko's API on this machine, with recorded prices and faults to inject",
  ),
  Command.provide(({ port }) => layer({ port })),
)

replay.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.tapErrorTag("ServeError", ({ cause }) => Console.error(`Cannot listen: ${String(cause)}`)),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true }),
)
