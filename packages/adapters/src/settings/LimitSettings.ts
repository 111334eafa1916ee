/** Settings of how much is asked of the API, and by whom. */
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isLoopback } from "../postgres/Loopback.ts"
import { setting } from "./Setting.ts"
import { expectedLimit, Limit, Networks, Secret } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const expectedRedis = "redis://host:port, or rediss:// beyond loopback, with user and password where needed"

export const declarations = {
  RATE_LIMIT_PER_USER: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "most reads of a user in a minute",
    fallback: "60",
  }),
  RATE_LIMIT_PER_ADDRESS: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "most reads from an address in a minute; of IPv6, from a /64",
    fallback: "600",
  }),
  RATE_LIMIT_SIGN_INS_PER_ADDRESS: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "most requests for tokens from an address in a minute",
    fallback: "10",
  }),
  PROVIDER_CALLS_PER_SECOND: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning:
      "most calls of `/get_token`, all under it and `/callback` to the identity provider in a second; Cognito takes 120 sign-ins of an account",
    fallback: "60",
  }),
  RATE_LIMIT_STORE: setting({
    schema: Schema.Literals(["memory", "redis"]),
    expected: "memory or redis",
    meaning: "where limits are counted: by each replica for itself, or by all together",
    fallback: "memory",
  }),
  REDIS_URL: setting({
    schema: Secret,
    expected: expectedRedis,
    meaning: "of `RATE_LIMIT_STORE=redis`; while Redis is away each replica counts for itself",
    fallback: null,
  }),
  TRUSTED_PROXIES: setting({
    schema: Networks,
    expected: "networks such as 10.0.0.0/8, separated by commas",
    meaning:
      "proxies whose `X-Forwarded-For` is believed, from right to left up to the first address that is none of them",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** A Redis that is needed and not named, or in plaintext beyond loopback. */
export const problems = (values: Values): ReadonlyArray<string> => {
  const { RATE_LIMIT_STORE: store, REDIS_URL: secret } = values
  if (secret === undefined)
    return store === "redis" ? [`REDIS_URL is not set: expected ${expectedRedis}`] : []
  if (store === "memory")
    return ["REDIS_URL is set but RATE_LIMIT_STORE is memory: set RATE_LIMIT_STORE=redis"]
  const url = URL.parse(Redacted.value(secret))
  const isSafe = url?.protocol === "rediss:" || (url?.protocol === "redis:" && isLoopback(url.hostname))
  return isSafe && url.hostname !== "" ? [] : [`REDIS_URL is not valid: expected ${expectedRedis}`]
}
