/** The text that the embedded program prints once it listens: everything a user needs to try it. */
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"

export interface Options {
  readonly api: { readonly tls: object | undefined }
  readonly dataDirectory: string
  /** Describes the database; undefined if it is in the folder. */
  readonly database: string | undefined
  /** The demo user's password; undefined if the users are in Cognito. */
  readonly demoPassword: Redacted.Redacted | undefined
  readonly management: { readonly host: string; readonly port: number }
  /** Whether the prices come from a replay, which has filled its past already. */
  readonly isReplay: boolean
  /** Describes where the prices come from. */
  readonly source: string
}

/** A user who signs in with only a password, and one user for each challenge. All have the same password. */
export const demoUsers = [
  { username: "demo" },
  { username: "demo-new-password", mustDo: ["NEW_PASSWORD_REQUIRED"] },
  { username: "demo-totp", mustDo: ["MFA_SETUP"] },
] as const

/**
 * Prints the banner with the address that the API actually listens on. Reads the database first, so that the lines to
 * paste get prices.
 */
export const layer = (
  options: Options,
): Layer.Layer<never, never, HttpServer.HttpServer | Snapshot.Snapshot> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Effect.ignore((yield* Snapshot.Snapshot).refresh)
      const { address } = yield* HttpServer.HttpServer
      const scheme = options.api.tls === undefined ? "http" : "https"
      const weekAgo = DateTime.subtract(yield* DateTime.now, { days: 7 })
      yield* Console.log(banner(NetAddress.formatUrlUnsafe(address, scheme), weekAgo, options))
    }),
  )

const banner = (
  url: string,
  weekAgo: DateTime.Utc,
  { dataDirectory, database, demoPassword, management, isReplay, source }: Options,
): string => {
  const [user, password] =
    demoPassword === undefined ? ["…", "…"] : [demoUsers[0].username, Redacted.value(demoPassword)]
  const [, ...others] = demoUsers.map(({ username }) => username)
  return `
  Bitcoin price

    API       ${url}   (documentation: ${url}/docs)
    User      ${demoPassword === undefined ? "any user of the Cognito user pool" : `${user}, password ${password}\n              (${others.join(" and ")}: same password, then a challenge)`}
    Source    ${source}
    Data      ${database ?? dataDirectory}
${management.port === 0 ? "" : `    Health    http://${NetAddress.formatUrlHostString(management.host)}:${management.port}/ready\n`}
  Paste this to get a token, the price and the averages:

    TOKEN=$(curl -s ${url}/get_token -H 'content-type: application/json' \\
      -d '{"username":"${user}","password":"${password}"}' | cut -d '"' -f 4)
    curl -s ${url}/get_btc_price -H "Authorization: Bearer $TOKEN" -w '\\n'
    curl -s ${url}/get_averages -H "Authorization: Bearer $TOKEN" -w '\\n'
${isReplay ? "" : history(database === undefined ? `DATA_DIR='${dataDirectory}'` : "DATABASE_URL=…", weekAgo)}
  Press Ctrl-C to stop. The data is kept.
`
}

/** The command names the data, because the user may have set DATA_DIR or DATABASE_URL only for this run. */
const history = (setting: string, weekAgo: DateTime.Utc): string => `
  Paste this in another terminal to fetch the prices of the last week too:

    ${setting} npm run -s worker -- backfill --from ${DateTime.formatIsoDateUtc(weekAgo)}
`
