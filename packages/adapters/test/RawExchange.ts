/** HTTP byte by byte, for what no client would send. */
import * as Effect from "effect/Effect"
import { connect, type Socket } from "node:net"

/** Sends the text to a port of loopback, and gives all that came back until the connection ended. */
export const exchange = (port: number, text: string) => converse(port, (socket) => socket.write(text))

/** The same for one who goes on sending. */
export const converse = (port: number, send: (socket: Socket) => void) =>
  Effect.callback<string>((resume) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1", () => send(socket))
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(answer)))
  })
