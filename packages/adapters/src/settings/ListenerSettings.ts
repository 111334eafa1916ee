/** Settings of how the API is reached. */
import { isLoopback } from "../Loopback.ts"
import { type Program, setting } from "./Setting.ts"
import { Port, Switch, Text } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const port = "a port number, 0 for any free one"

export const declarations = {
  HTTP_HOST: setting({
    schema: Text,
    expected: "an address of this machine",
    meaning: "address on which the API and the management port listen",
    fallback: "127.0.0.1",
  }),
  HTTP_PORT: setting({ schema: Port, expected: port, meaning: "port of the API", fallback: "5000" }),
  MANAGEMENT_PORT: setting({
    schema: Port,
    expected: port,
    meaning: "port of `/live`, `/ready` and `/metrics`; keep it off the public network",
    fallback: "5001",
  }),
  TLS_TERMINATED_UPSTREAM: setting({
    schema: Switch,
    expected: "on or off",
    meaning:
      "`on` says that something in front of the API terminates TLS; without it the API only listens on loopback",
    fallback: "off",
  }),
} as const

/** What would send tokens in plaintext over a network. */
export const problems = (program: Program, values: SettingValues): ReadonlyArray<string> => {
  const isOpen = values.HTTP_HOST !== undefined && !isLoopback(values.HTTP_HOST)
  return isOpen && values.TLS_TERMINATED_UPSTREAM === false && program !== "worker"
    ? [
        "HTTP_HOST is not a loopback address and tokens would travel in plaintext: put a TLS terminator in front and set TLS_TERMINATED_UPSTREAM=on, or listen on 127.0.0.1",
      ]
    : []
}
