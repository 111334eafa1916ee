/** How the database is reached, by the kinds of credentials that can be chosen. */
import { Readiness } from "@btc-price/domain/Readiness"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import type * as PostgresClient from "../PostgresClient.ts"
import * as PostgresCredentials from "./PostgresCredentials.ts"
import * as PostgresFileCredentials from "./PostgresFileCredentials.ts"
import * as PostgresRdsCredentials from "./PostgresRdsCredentials.ts"
import * as PostgresVaultCredentials from "./PostgresVaultCredentials.ts"
import * as VaultClient from "./VaultClient.ts"

export interface Options extends Omit<PostgresClient.Options, "credentials"> {
  /** `static`: those in the URL. */
  readonly credentials:
    | { readonly kind: "static" }
    | { readonly kind: "file"; readonly file: string }
    | { readonly kind: "rds-iam"; readonly region: string }
    | ({ readonly kind: "vault"; readonly path: string } & VaultClient.Options)
}

/** Keeps the credentials up to date until the scope closes, which gives back what was made for this process. */
export const open = Effect.fn("PostgresAccess.open")(function* ({
  credentials: source,
  ...options
}: Options): Effect.fn.Return<
  PostgresClient.Options,
  never,
  Scope.Scope | FileSystem.FileSystem | Path.Path
> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const credentials = (
    read: Effect.Effect<PostgresCredentials.Login, PostgresCredentials.CredentialsError>,
  ) => Effect.map(PostgresCredentials.make(read), (credentials) => ({ ...options, credentials }))
  switch (source.kind) {
    case "static":
      return options
    case "file":
      return yield* credentials(Effect.provideContext(PostgresFileCredentials.read(source.file), context))
    case "rds-iam":
      return yield* credentials(PostgresRdsCredentials.read({ ...options, region: source.region }))
    case "vault": {
      const vault = yield* VaultClient.make(source)
      return yield* credentials(PostgresVaultCredentials.read(vault, source.path))
    }
  }
})

/** Adds to the readiness of a program what is wrong with its credentials; it does its work with the last good ones. */
export const layerReadiness = ({
  credentials,
}: PostgresClient.Options): Layer.Layer<Readiness, never, Readiness> =>
  Layer.effect(
    Readiness,
    Effect.map(Readiness, ({ check }) =>
      Readiness.of({
        check: Effect.gen(function* () {
          const { ready, reasons } = yield* check
          const trouble = credentials === undefined ? null : yield* credentials.trouble
          return { ready, reasons: trouble === null ? reasons : [...reasons, trouble] }
        }),
      }),
    ),
  )
