/** Raw HTTP over a socket, for requests that no client library would send. */
import * as Effect from "effect/Effect"
import { connect, type Socket } from "node:net"

/** Sends the text to a loopback port and returns everything received until the connection ends. */
export const exchange = (port: number, text: string) => converse(port, (socket) => socket.write(text))

/** The same, but `send` writes to the socket itself, for as long as it wants. */
export const converse = (port: number, send: (socket: Socket) => void) =>
  Effect.map(
    ending(() => connect(port, "127.0.0.1"), send),
    ({ text }) => text,
  )

/** The same over any socket, with whether the connection ended with a reset. */
export const ending = (open: () => Socket, send: (socket: Socket) => void) =>
  Effect.callback<{ readonly text: string; readonly isReset: boolean }>((resume) => {
    let [text, isReset] = ["", false]
    const socket = open()
    send(socket)
    socket.on("data", (chunk) => (text += chunk.toString()))
    socket.on("error", ({ code }: NodeJS.ErrnoException) => (isReset = code === "ECONNRESET"))
    socket.on("close", () => resume(Effect.succeed({ text, isReset })))
  })
