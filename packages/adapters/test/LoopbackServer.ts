/** Servers for tests: each on a free loopback port until the scope closes. */
import * as Effect from "effect/Effect"
import { formatAddress, type HttpServer } from "effect/http/HttpServer"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

/** Listens and returns the port. When the scope closes, connections that are still open are cut off. */
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
