/** The OpenAPI document as a page. It loads no script, style or font from another server. */
import * as Slot from "@btc-price/domain/Slot"
import * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { Api } from "../api/Api.ts"
import { exampleInstant } from "../api/Parameters.ts"
import type { Document } from "./Document.ts"

/** Without the vendor's buttons, which lead to its own servers. */
const scalar = {
  withDefaultFonts: false,
  authentication: { preferredSecurityScheme: "bearer" },
  hideClientButton: true,
  showDeveloperTools: "never",
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
}

/** The page. Only its own scripts may run, which are allowed by their hashes. They may call only this server. */
export const make: Effect.Effect<Document> = Effect.gen(function* () {
  const digest = yield* Digest.Digest
  const page = yield* HttpRouter.toHttpEffect(HttpApiScalar.layer(Api, { path: "/", scalar }))
  const request = HttpServerRequest.fromWeb(new Request("http://localhost/"))
  const { body } = yield* Effect.provideService(page, HttpServerRequest.HttpServerRequest, request)
  const slot = DateTime.formatIso(Slot.start(Slot.at(yield* DateTime.now)))
  const html = new TextDecoder()
    .decode(body._tag === "Uint8Array" ? body.body : undefined)
    .replaceAll(exampleInstant, slot)
  const hashes = yield* Effect.forEach(scriptsIn(html), (script) =>
    Effect.map(
      digest.digest(Digest.sha256, new TextEncoder().encode(script)),
      (hash) => `'sha256-${Base64.encode(hash)}'`,
    ),
  )
  return {
    bytes: new TextEncoder().encode(html),
    contentType: "text/html; charset=utf-8",
    headers: { "content-security-policy": policyOf(hashes) },
  }
}).pipe(Effect.scoped, Effect.orDie, Effect.provide(Digest.layerWebCrypto))

const scriptsIn = (page: string): ReadonlyArray<string> =>
  Array.from(page.matchAll(/<script>([^]*?)<\/script>/g), ([, script = ""]) => script)

/** The scripts write their own styles into the page, so styles cannot be allowed by hash. */
const policyOf = (scripts: ReadonlyArray<string>): string =>
  [
    "default-src 'none'",
    `script-src ${scripts.join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ")
