/** Servers of tests: on a free port of this machine, for as long as the scope is open. */
import * as Effect from "effect/Effect"
import { formatAddress, type HttpServer } from "effect/http/HttpServer"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

/** Listens, and gives the port. The end of the scope cuts off whoever is still connected. */
export const listen = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  )

/** The port of a server that listens by itself. */
export const portOf = ({ address }: HttpServer["Service"]) => Number(new URL(formatAddress(address)).port)

/** A port for a program that listens by itself. */
export const freePort = Effect.scoped(Effect.suspend(() => listen(createServer())))
