/** Port: where an issuer's signing keys survive a restart, so that the service can start while the issuer is down. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { RepositoryError } from "../RepositoryError.ts"

export interface StoredKeys {
  /** JSON Web Keys. They are public. Stored keys are validated as strictly as fetched keys. */
  readonly keys: ReadonlyArray<unknown>
  /** When the keys were fetched from the issuer. */
  readonly fetchedAt: DateTime.Utc
}

/** How far the clocks of replicas may differ. Keys that were fetched later than this after now are from the future. */
export const clockTolerance = Duration.minutes(1)

export class SigningKeyStore extends Context.Service<
  SigningKeyStore,
  {
    /**
     * The newest keys that were fetched from `url`, unless they are from the future or were not saved by this service.
     * Fails as the repository does.
     */
    readonly load: (url: string) => Effect.Effect<Option.Option<StoredKeys>, RepositoryError>

    /** Stores the keys in place of older keys, or keys from the future, of the same `url`. Fails as the repository does. */
    readonly save: (url: string, stored: StoredKeys) => Effect.Effect<void, RepositoryError>
  }
>()("@btc-price/domain/access/SigningKeyStore") {}
