/**
 * Credentials of Vault's database secrets engine. Of a dynamic role each read makes a user for this process alone,
 * which Vault drops when its lease ends; of a static role Vault changes the password of one user.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { CredentialsError, type Login } from "./PostgresCredentials.ts"
import type { Lease, VaultClient } from "./VaultClient.ts"

/** How much of a lease passes until it is renewed. */
const renewAfterShare = 2 / 3

/** A lease of which Vault grants less than this share of the first time is at its end, … */
const endShare = 0.2

/** … and one of which it grants less than this time, or of a lease that is itself short, less than this share. */
const endTime = Duration.minutes(1)
const endShareOfShort = 0.5

/** The longest that giving a user back may take, in seconds: it is done when the program stops, too. */
const giveBackLimitSeconds = 2

/** A password that Vault is about to change is read again no earlier. */
const shortestUse = Duration.seconds(1)

/**
 * Logs in and reads the user at `path`, such as `database/creds/app`. A dynamic user has a token of its own, because
 * it ends with the token that it was read with.
 */
export const read = Effect.fnUntraced(
  function* (vault: VaultClient, path: string) {
    const { token, lease: tokenLease } = yield* vault.login
    const end = revoke(vault.revokeToken(token))
    const user = yield* Effect.onError(vault.readUser(path, token), () => end)
    const { username, password, lease } = user
    if (lease === undefined) {
      yield* Effect.forkDetach(end)
      const untilDue = Effect.sleep(Duration.max(user.passwordChangesIn, shortestUse))
      return { username, password, untilDue } satisfies Login
    }
    return {
      username,
      password,
      untilDue: renew(vault, token, tokenLease, lease).pipe(Effect.mapError(toCredentialsError)),
      giveBack: Effect.andThen(revoke(vault.revokeLease(lease.id, token)), end),
    } satisfies Login
  },
  (effect) => Effect.mapError(effect, toCredentialsError),
)

/** Renews both leases for as long as Vault does that, and returns, or fails, when it is time for another user. */
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

/** Best effort: what cannot be given back ends by itself. */
const revoke = (call: Effect.Effect<unknown, { readonly message: string }>): Effect.Effect<void> =>
  call.pipe(
    Effect.timeoutOption(Duration.seconds(giveBackLimitSeconds)),
    Effect.catch(({ message }) => Effect.logDebug(message)),
    Effect.asVoid,
  )

const toCredentialsError = ({ message }: { readonly message: string }) => new CredentialsError({ message })
