/** Where an issuer's signing keys outlast the process, so that a start needs no issuer that answers. */
import type { RepositoryError } from "../RepositoryError.ts"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

export interface KeptKeys {
  /** JSON Web Keys. They are public; what is read back is checked as if it came from the issuer. */
  readonly keys: ReadonlyArray<unknown>
  /** When the issuer gave them. */
  readonly fetchedAt: DateTime.Utc
}

export class SigningKeyStore extends Context.Service<
  SigningKeyStore,
  {
    /** The newest keys that were fetched from `url`. Fails as the repository does. */
    readonly load: (url: string) => Effect.Effect<Option.Option<KeptKeys>, RepositoryError>

    /** Keeps the keys in place of older ones from the same `url`. Fails as the repository does. */
    readonly save: (url: string, kept: KeptKeys) => Effect.Effect<void, RepositoryError>
  }
>()("@btc-price/domain/access/SigningKeyStore") {}
