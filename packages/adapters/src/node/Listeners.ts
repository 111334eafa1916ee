/** The two ports of a program that serves an API. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { ManagementListener, type Options as ManagementOptions } from "./ManagementServer.ts"
import * as NodeListener from "./NodeListener.ts"

/**
 * Listens on both ports, before the program that this layer is provided to does anything. Fails with everything that
 * is wrong with either port.
 */
export const layer = (options: {
  readonly api: Omit<NodeListener.Options, "setting" | "shedsLoad">
  readonly management: ManagementOptions
}) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const [api, management] = yield* Effect.all(
        [
          NodeListener.listen({ ...options.api, setting: "HTTP_PORT", shedsLoad: true }),
          NodeListener.listen({ ...options.management, setting: "MANAGEMENT_PORT" }),
        ],
        { mode: "result" },
      )
      if (Result.isFailure(api) || Result.isFailure(management)) {
        const failures = Arr.getFailures([api, management])
        const message = failures.map((failure) => failure.message).join("\n")
        return yield* new NodeListener.ListenError({ message, cause: failures })
      }
      return Context.make(HttpServer.HttpServer, api.success).pipe(
        Context.add(ManagementListener, management.success),
      )
    }),
  ).pipe(Layer.provideMerge(NodeHttpServer.layerHttpServices))
