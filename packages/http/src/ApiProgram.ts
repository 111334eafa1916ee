/**
 * The API over its ports. Each composition adds its adapters: `ProductionApi` those of production, `EmbeddedProgram`
 * those of a laptop, and tests those in memory.
 */
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import type { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import type { Quotas } from "@btc-price/domain/access/Quotas"
import type { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { Readiness } from "@btc-price/domain/Readiness"
import type { Seals } from "@btc-price/domain/Seals"
import * as Snapshot from "@btc-price/domain/Snapshot"
import type { SourceLedger } from "@btc-price/domain/SourceLedger"
import type * as FileSystem from "effect/FileSystem"
import type * as Etag from "effect/http/Etag"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import type * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as ApiServer from "./ApiServer.ts"
import * as ApiReadiness from "./server/ApiReadiness.ts"
import * as Envelope from "./sign-in/Envelope.ts"
import * as ProviderLimits from "./sign-in/ProviderLimits.ts"

export interface Options extends ApiServer.Options {
  readonly limits: ApiServer.Options["limits"] & ProviderLimits.Options
  readonly sealing: Envelope.Options
}

/** What the API needs: a server to listen on, prices, users, and quotas for their requests. */
export type Ports =
  | HttpServer.HttpServer
  | HttpPlatform.HttpPlatform
  | FileSystem.FileSystem
  | Path.Path
  | Etag.Generator
  | PriceRepository
  | Seals
  | SourceLedger
  | Authenticator
  | IdentityProvider
  | Quotas

/**
 * Serves the API on the HttpServer for as long as the layer lives. A composition may give the snapshot a repository of its
 * own, whose connections no request uses.
 */
export const layer = (
  options: Options,
  snapshot: Layer.Layer<Snapshot.Snapshot, never, PriceRepository> = Snapshot.layer(options),
): Layer.Layer<Readiness | Snapshot.Snapshot, never, Ports> =>
  ApiReadiness.layer.pipe(
    Layer.provide(ApiServer.layer(options)),
    Layer.provide(ProviderLimits.layer(options.limits)),
    Layer.provide(Envelope.layer(options.sealing)),
    Layer.provideMerge(snapshot),
  )
