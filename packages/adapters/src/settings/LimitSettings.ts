/** Settings of the request limits. */
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isLoopback } from "../postgres/Loopback.ts"
import * as ConnectionUrl from "./ConnectionUrl.ts"
import { setting } from "./Setting.ts"
import { expectedLimit, Limit, Secret } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const expectedRedis =
  "redis://host:port, or rediss://host:port beyond loopback, with user and password if needed"

export const declarations = {
  RATE_LIMIT_PER_USER: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "maximum requests per user per minute",
    fallback: "60",
  }),
  RATE_LIMIT_PER_ADDRESS: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning:
      "maximum requests per address per minute by callers who are not let in; an IPv6 address counts as its /64 network, and the /48 around it may make ten times as many",
    fallback: "600",
  }),
  RATE_LIMIT_SIGN_INS_PER_ADDRESS: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "maximum sign-in requests per address per minute",
    fallback: "10",
  }),
  PROVIDER_CALLS_PER_SECOND: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning:
      "maximum calls per second to the identity provider, by `/get_token`, the paths under it, and `/callback`; Cognito allows 120 sign-ins per second per AWS account",
    fallback: "60",
  }),
  RATE_LIMIT_STORE: setting({
    schema: Schema.Literals(["memory", "redis"]),
    expected: "memory or redis",
    meaning:
      "where requests are counted: `memory` counts in each replica by itself, `redis` over all replicas",
    fallback: "memory",
  }),
  REDIS_URL: setting({
    schema: Secret,
    expected: expectedRedis,
    meaning:
      "Redis for `RATE_LIMIT_STORE=redis`; while Redis cannot be reached, each replica counts by itself",
    fallback: null,
  }),
} as const

type Values = SettingValues<typeof declarations>

/** A missing or unused `REDIS_URL`, or one that is plaintext beyond loopback. */
export const problems = (values: Values): ReadonlyArray<string> => {
  const { RATE_LIMIT_STORE: store, REDIS_URL: secret } = values
  if (secret === undefined)
    return store === "redis" ? [`REDIS_URL is not set: expected ${expectedRedis}`] : []
  if (store === "memory")
    return ["REDIS_URL is set but RATE_LIMIT_STORE is memory: set RATE_LIMIT_STORE=redis"]
  const text = Redacted.value(secret)
  const fault =
    ConnectionUrl.faultOf(text, { schemes: ["redis", "rediss"], needsDatabase: false }) ??
    (text.startsWith("redis:") && !isLoopback(new URL(text).hostname) ? "is plaintext" : undefined)
  return fault === undefined ? [] : [`REDIS_URL ${fault}: expected ${expectedRedis}`]
}
