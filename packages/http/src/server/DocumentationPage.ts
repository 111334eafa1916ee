/** The page that shows the OpenAPI document. It loads no script, style or font from another server. */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Api } from "../api/Api.ts"

/** The size of the chunks of the page, which has several megabytes. A slow client costs only one chunk of memory. */
const chunkBytes = 65_536

/** `GET path`. Only its own scripts may run, which are allowed by their hashes. They may call only this server. */
export const layer = (options: { readonly path: `/${string}` }) =>
  HttpApiScalar.layer(Api, { path: options.path, scalar: { withDefaultFonts: false } }).pipe(
    Layer.provide(withContentSecurityPolicy.layer),
    Layer.provide(Digest.layerWebCrypto),
  )

interface Page {
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

const withContentSecurityPolicy = HttpRouter.middleware(
  Effect.gen(function* () {
    const digest = yield* Digest.Digest
    const read = Effect.fnUntraced(function* (response: HttpServerResponse.HttpServerResponse) {
      const bytes = response.body._tag === "Uint8Array" ? response.body.body : new Uint8Array()
      const hashes = yield* Effect.forEach(scriptsIn(new TextDecoder().decode(bytes)), (script) =>
        Effect.map(
          digest.digest(Digest.sha256, new TextEncoder().encode(script)),
          (hash) => `'sha256-${Base64.encode(hash)}'`,
        ),
      )
      return { bytes, headers: { "content-security-policy": policyOf(hashes) } } satisfies Page
    })
    let page: Page | undefined
    return (handled) =>
      Effect.gen(function* () {
        page ??= yield* read(yield* handled)
        const { bytes, headers } = page
        return HttpServerResponse.stream(Stream.fromIterable(chunksOf(bytes), { chunkSize: 1 }), {
          headers,
          contentType: "text/html; charset=utf-8",
          contentLength: bytes.length,
        })
      })
  }),
)

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

const chunksOf = function* (bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
