/** A real primary and its streaming standby, and an address that leads to one or the other. */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import { migrate } from "@btc-price/adapters/postgres/PostgresMigrator"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import * as DataFolder from "../embedded/DataFolder.ts"

const password = Redacted.make("test")

/** Without protection from power loss. */
const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }

const administer = (url: Redacted.Redacted) => PgClient.makeClient({ url, ssl: false })

export const make = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner
  const [primaryFolder, standbyFolder] = [yield* DataFolder.make, yield* DataFolder.make]
  yield* Effect.scoped(EmbeddedPostgres.start({ dataDirectory: primaryFolder, password, settings }))
  yield* spawner.exitCode(ChildProcess.make("cp", ["-Rp", `${primaryFolder}/cluster`, standbyFolder]))
  yield* fileSystem.writeFileString(`${standbyFolder}/cluster/standby.signal`, "")

  const primary = yield* EmbeddedPostgres.start({ dataDirectory: primaryFolder, password, settings })
  yield* migrate.pipe(Effect.provide(PgClient.layer({ url: primary.url, ssl: false }), { local: true }))
  const { host, port } = primary
  const source = `host=${host} port=${port} user=postgres password=${Redacted.value(password)}`
  const standby = yield* EmbeddedPostgres.start({
    dataDirectory: standbyFolder,
    password,
    settings: { ...settings, primary_conninfo: source },
  })
  const [onPrimary, onStandby] = [yield* administer(primary.url), yield* administer(standby.url)]
  const address = yield* makeAddress(primary)

  return {
    primary: { ...primary, sql: onPrimary },
    standby: { ...standby, sql: onStandby },
    address,
    /** Makes the standby the primary, to which the address leads from now on. Sessions on the old primary stay open. */
    failOver: Effect.gen(function* () {
      yield* onPrimary`alter system set default_transaction_read_only = on`
      yield* onPrimary`select pg_reload_conf()`
      yield* onStandby`select pg_promote()`
      address.leadTo(standby)
    }),
  }
}).pipe(Effect.provide(Reactivity.layer))

interface Server {
  readonly port: number
  readonly url: Redacted.Redacted
}

/** As a host name does, it leads only new connections to another server. */
const makeAddress = Effect.fnUntraced(function* (first: Server) {
  let target = first
  const sockets = new Set<Net.Socket>()
  const server = Net.createServer((inward) => {
    const outward = Net.connect(target.port, "127.0.0.1")
    for (const [from, to] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      }),
  )
  const url = new URL(Redacted.value(first.url))
  url.port = String((server.address() as Net.AddressInfo).port)
  return {
    url: Redacted.make(url.href),
    leadTo: (server: Server): void => {
      target = server
    },
  }
})
