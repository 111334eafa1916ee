/** Raw HTTP over a socket, for requests that no client library would send. */
import * as Effect from "effect/Effect"
import { connect, type Socket } from "node:net"

/** Sends the text to a loopback port and returns everything received until the connection ends. */
export const exchange = (port: number, text: string) => converse(port, (socket) => socket.write(text))

/** The same, but `send` writes to the socket itself, for as long as it wants. */
export const converse = (port: number, send: (socket: Socket) => void) =>
  Effect.callback<string>((resume) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1", () => send(socket))
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(answer)))
  })
