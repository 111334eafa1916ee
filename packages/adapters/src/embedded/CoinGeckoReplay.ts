/**
 * A local server with CoinGecko's API, recorded prices and faults that can be injected: for trials without a network,
 * and for tests.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Record from "effect/Record"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { createServer } from "node:http"
import * as ReplayAnswer from "./CoinGeckoReplayAnswer.ts"
import { type Fault, type FaultName, faults } from "./CoinGeckoReplayFault.ts"
import * as RecordedSeries from "./RecordedSeries.ts"

export class CoinGeckoReplay extends Context.Service<
  CoinGeckoReplay,
  {
    /** The base URL of the API, such as `http://127.0.0.1:5002/api/v3`. */
    readonly baseUrl: string

    /** Injects a fault into the next `times` answers, or into all answers by default. Replaces the previous fault. */
    readonly setFault: (name: FaultName, times?: number) => Effect.Effect<void>

    /** Removes the fault. */
    readonly clearFault: Effect.Effect<void>

    /** The number of requests to the API, whatever their outcome. */
    readonly calls: Effect.Effect<number>
  }
>()("@btc-price/adapters/embedded/CoinGeckoReplay") {}

/**
 * Listens on 127.0.0.1, on a free port by default, for as long as the layer lives, and stops at once even if clients
 * are connected. Besides `/api/v3/ping`, `/api/v3/simple/price` and `/api/v3/coins/bitcoin/market_chart/range`:
 *
 * - `GET /faults`: the name of each fault with a description;
 * - `PUT /fault/<name>`: injects a fault, or with `?times=<1 to 1000>` a fault for only that many answers;
 * - `DELETE /fault`: removes the fault;
 * - `GET /calls`: the number of requests to the API.
 */
export const layer = (
  options: { readonly port?: number | undefined } = {},
): Layer.Layer<CoinGeckoReplay, ServeError> =>
  Layer.effect(
    CoinGeckoReplay,
    Effect.gen(function* () {
      const control = yield* makeControl
      const node = createServer()
      const server = yield* NodeHttpServer.make(() => node, { host: "127.0.0.1", port: options.port ?? 0 })
      yield* server.serve(yield* HttpRouter.toHttpEffect(routes(yield* RecordedSeries.load, control)))
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          node.close()
          node.closeAllConnections()
        }),
      )
      return CoinGeckoReplay.of({ ...control, baseUrl: `${HttpServer.formatAddress(server.address)}/api/v3` })
    }),
  ).pipe(Layer.provide(NodeServices.layer))

interface Control extends Omit<CoinGeckoReplay["Service"], "baseUrl"> {
  /** Counts a call, and returns the fault for its answer, if there is one. */
  readonly arrive: Effect.Effect<Fault | undefined>
}

interface State {
  readonly calls: number
  readonly fault?: Fault
  /** The number of answers that still get the fault. */
  readonly times: number
}

const makeControl: Effect.Effect<Control> = Effect.map(Ref.make<State>({ calls: 0, times: 0 }), (state) => ({
  setFault: (name, times = Number.POSITIVE_INFINITY) =>
    Ref.update(state, ({ calls }) => ({ calls, fault: faults[name], times })),
  clearFault: Ref.update(state, ({ calls }) => ({ calls, times: 0 })),
  calls: Effect.map(Ref.get(state), ({ calls }) => calls),
  arrive: Ref.modify(state, (before) => [
    before.times > 0 ? before.fault : undefined,
    { ...before, calls: before.calls + 1, times: before.times - 1 },
  ]),
}))

const routes = (series: RecordedSeries.RecordedSeries, control: Control) =>
  Layer.mergeAll(
    apiRoutes(series, control),
    HttpRouter.add("GET", "/faults", page(Record.map(faults, ({ description }) => description))),
    HttpRouter.add(
      "PUT",
      "/fault/:name",
      Effect.gen(function* () {
        const { name, times } = yield* HttpRouter.schemaParams(FaultSetting)
        yield* control.setFault(name, times)
        return page({ fault: name, times: times ?? "all" })
      }).pipe(Effect.catchTag("SchemaError", ({ message }) => Effect.succeed(page({ error: message }, 400)))),
    ),
    HttpRouter.add("DELETE", "/fault", Effect.as(control.clearFault, HttpServerResponse.empty())),
    HttpRouter.add(
      "GET",
      "/calls",
      Effect.map(control.calls, (calls) => page({ calls })),
    ),
  )

/** JSON that is easy to read in a terminal. */
const page = (body: unknown, status = 200): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(`${JSON.stringify(body, null, 2)}\n`, { status, contentType: "application/json" })

const FaultSetting = Schema.Struct({
  name: Schema.Literals(Struct.keys(faults)),
  times: Schema.optionalKey(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 })),
  ),
})

const apiRoutes = (series: RecordedSeries.RecordedSeries, control: Control) => {
  const route = (path: string, answerTo: (question: ReplayAnswer.Question) => ReplayAnswer.Answer) =>
    HttpRouter.add(
      "GET",
      `/api/v3${path}`,
      Effect.gen(function* () {
        const fault = yield* control.arrive
        const request = yield* HttpServerRequest
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        const { searchParams: params } = new URL(request.url, "http://127.0.0.1")
        const answer =
          fault?.answer ??
          (isDescriptive(request.headers["user-agent"])
            ? answerTo({ series, params, now, distortion: fault ?? {} })
            : ReplayAnswer.userAgentRefusal)
        return yield* (fault?.send ?? send)(answer, request)
      }),
    )
  return Layer.mergeAll(
    route("/ping", ReplayAnswer.ping),
    route("/simple/price", ReplayAnswer.simplePrice),
    route("/coins/bitcoin/market_chart/range", ReplayAnswer.marketChartRange),
  )
}

/** CoinGecko refuses clients whose User-Agent is empty or only names their HTTP library. */
const isDescriptive = (userAgent = ""): boolean =>
  userAgent !== "" &&
  !/^(?:node|undici|axios|got|node-fetch|python|go-http-client|java|okhttp|reqwest|ruby)\b/i.test(userAgent)

const send = ({ status, contentType, headers, body }: ReplayAnswer.Answer) =>
  Effect.succeed(HttpServerResponse.text(body, { status, contentType, headers }))
