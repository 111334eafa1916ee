/**
 * Credentials from Vault's database secrets engine. For a dynamic role, each read creates a user for this process only,
 * which Vault drops when its lease ends. For a static role, Vault changes the password of a fixed user.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { type Credentials, CredentialsError } from "./PostgresCredentials.ts"
import type { Lease, VaultClient } from "./VaultClient.ts"

/** The share of a lease after which it is renewed. */
const renewAfterShare = 2 / 3

/** A lease is ending when Vault renews it for less than this share of its first duration, … */
const endShare = 0.2

/** … or for less than this time, or, if the first duration was short, for less than this share of it. */
const endTime = Duration.minutes(1)
const endShareOfShort = 0.5

/** The longest that a revocation may take, in seconds. The program waits for it when it stops. */
const revokeLimitSeconds = 2

/** The shortest pause before a static password is read again, even if Vault is about to change it. */
const minimumUse = Duration.seconds(1)

/**
 * Logs in and reads the user at `path`, such as `database/creds/app`. Each dynamic user is read with its own token,
 * because Vault drops a user when the token that read it ends.
 */
export const read = Effect.fnUntraced(
  function* (vault: VaultClient, path: string) {
    const { token, lease: tokenLease } = yield* vault.login
    const end = revoke(vault.revokeToken(token))
    const user = yield* Effect.onError(vault.readUser(path, token), () => end)
    const { username, password, lease } = user
    if (lease === undefined) {
      yield* Effect.forkDetach(end)
      const untilDue = Effect.sleep(Duration.max(user.passwordChangesIn, minimumUse))
      return { username, password, untilDue } satisfies Credentials
    }
    return {
      username,
      password,
      untilDue: renew(vault, token, tokenLease, lease).pipe(Effect.mapError(toCredentialsError)),
      revoke: Effect.andThen(revoke(vault.revokeLease(lease.id, token)), end),
    } satisfies Credentials
  },
  (effect) => Effect.mapError(effect, toCredentialsError),
)

/** Renews both leases for as long as Vault allows. Returns, or fails, when it is time for another user. */
const renew = Effect.fnUntraced(function* (
  vault: VaultClient,
  token: Redacted.Redacted,
  firstTokenLease: Lease,
  firstLease: Lease & { readonly id: string },
) {
  let [tokenLease, lease]: [Lease, Lease] = [firstTokenLease, firstLease]
  while (true) {
    const isRenewable =
      lease.isRenewable && (tokenLease.isRenewable || !Duration.isFinite(tokenLease.duration))
    const shortest = Duration.min(tokenLease.duration, lease.duration)
    yield* Effect.sleep(Duration.times(shortest, renewAfterShare))
    if (!isRenewable) return
    if (tokenLease.isRenewable) tokenLease = yield* vault.renewToken(token)
    lease = yield* vault.renewLease(firstLease.id, firstLease.duration, token)
    if (isEnding(tokenLease, firstTokenLease) || isEnding(lease, firstLease)) return
  }
})

const isEnding = ({ duration }: Lease, first: Lease): boolean => {
  if (!Duration.isFinite(first.duration)) return false
  const least = Duration.min(endTime, Duration.times(first.duration, endShareOfShort))
  return Duration.isLessThan(duration, Duration.max(least, Duration.times(first.duration, endShare)))
}

/** Best effort: what cannot be revoked expires by itself. */
const revoke = (call: Effect.Effect<unknown, { readonly message: string }>): Effect.Effect<void> =>
  call.pipe(
    Effect.timeoutOption(Duration.seconds(revokeLimitSeconds)),
    Effect.catch(({ message }) => Effect.logDebug(message)),
    Effect.asVoid,
  )

const toCredentialsError = ({ message }: { readonly message: string }) => new CredentialsError({ message })
