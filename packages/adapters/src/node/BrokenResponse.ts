/** Responses that end before they are complete. */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Node has no public API for the running response, nor for the socket below TLS; its own code reads these fields. */
interface Connection extends Socket {
  readonly _httpMessage?: ServerResponse | null
  readonly _parent?: Socket | null
}

/** Whether a part of a response has been sent on this connection, and the rest has not. */
export const isAnswering = ({ _httpMessage }: Connection): boolean => _httpMessage?.headersSent === true

/**
 * Makes `server` reset a connection that ends in the middle of a response, for whatever reason. In HTTP/1.0, which
 * proxies such as nginx speak by default, the ordinary end of the connection is the end of the response, so that half
 * a response would look complete.
 */
export const install = (server: Server): void => {
  server.on("connection", watch)
  server.on("secureConnection", watch)
}

const watch = (socket: Connection): void => {
  const { destroy } = socket
  socket.destroy = (error) => {
    socket.destroy = destroy
    if (isAnswering(socket)) (socket._parent ?? socket).resetAndDestroy()
    return socket.destroy(error)
  }
}
