/** Where the database credentials come from: the legal values of the setting `DATABASE_CREDENTIALS`. */
import { Readiness } from "@btc-price/domain/Readiness"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as PostgresClient from "../PostgresClient.ts"
import type { Credentials, CredentialsError } from "./PostgresCredentials.ts"
import * as PostgresFileCredentials from "./PostgresFileCredentials.ts"
import * as PostgresRdsCredentials from "./PostgresRdsCredentials.ts"
import * as PostgresRotation from "./PostgresRotation.ts"
import * as PostgresVaultCredentials from "./PostgresVaultCredentials.ts"
import * as VaultClient from "./VaultClient.ts"

export interface Options extends Pick<PostgresClient.Options, "url" | "authorities" | "role"> {
  /** `static`: the user and the password of the URL. */
  readonly credentials:
    | { readonly kind: "static" }
    | { readonly kind: "file"; readonly file: string }
    | { readonly kind: "rds-iam"; readonly region: string }
    | ({ readonly kind: "vault"; readonly path: string } & VaultClient.Options)
}

/**
 * Keeps the credentials up to date until the scope closes, which revokes the users that were created for this process.
 * Succeeds without credentials when the source has none: connecting then fails until there are some.
 */
export const open = Effect.fn("PostgresCredentialsSource.open")(function* ({
  credentials: source,
  ...options
}: Options): Effect.fn.Return<
  PostgresClient.Options,
  never,
  Scope.Scope | FileSystem.FileSystem | Path.Path
> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const rotate = (read: Effect.Effect<Credentials, CredentialsError>) =>
    Effect.map(
      PostgresRotation.make(read, (user) => PostgresClient.makePools(options, user)),
      (rotation) => ({ ...options, rotation, problem: rotation.problem }),
    )
  switch (source.kind) {
    case "static":
      return options
    case "rds-iam": {
      const signer = PostgresRdsCredentials.make({ url: options.url, region: source.region })
      return { ...options, ...(yield* signer) }
    }
    case "file":
      return yield* rotate(Effect.provideContext(PostgresFileCredentials.read(source.file), context))
    case "vault":
      return yield* rotate(PostgresVaultCredentials.read(yield* VaultClient.make(source), source.path))
  }
})

/** Adds the problem with the credentials to the reasons of a program's readiness. The last good credentials stay in use. */
export const layerReadiness = ({
  problem: read = Effect.succeed(null),
}: PostgresClient.Options): Layer.Layer<Readiness, never, Readiness> =>
  Layer.effect(
    Readiness,
    Effect.map(Readiness, ({ check }) =>
      Readiness.of({
        check: Effect.zipWith(check, read, ({ ready, reasons }, problem) => ({
          ready,
          reasons: problem === null ? reasons : [...reasons, problem],
        })),
      }),
    ),
  )
