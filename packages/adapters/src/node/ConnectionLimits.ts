/** How many connections an address may hold, and how many requests may wait for their answers on a connection. */
import * as AddressKey from "@btc-price/domain/access/AddressKey"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

export const limits = {
  /** Maximum number of open connections. Each further connection is closed immediately. */
  connections: 4_096,
  /** From this number on, the connection that has been idle for longest is closed for each new connection. */
  crowded: 3_840,
  /** Maximum number of open connections of an address that is not a trusted proxy's. */
  connectionsPerAddress: 256,
  /** Maximum number of unanswered requests on a connection. The answer to the last of them closes the connection. */
  requestsPerConnection: 8,
}

export interface Options {
  readonly limits?: typeof limits
  /** Proxies, whose connections are those of many clients. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly onDrop: () => void
}

interface Connection {
  readonly socket: Socket
  readonly address: string
  /** The responses that are not complete. A connection without them is idle, even if it is sending a request. */
  readonly unanswered: Set<ServerResponse>
  isClosing: boolean
}

/**
 * Limits the connections of `server`. Returns whether a request on them may begin. A request may not begin if its
 * connection is gone or about to be closed.
 */
export const install = (server: Server, options: Options) => {
  const { trustedProxies, onDrop, limits: maximum = limits } = options
  server.maxConnections = maximum.connections
  server.on("drop", onDrop)
  /** By the address and port of the peer, which TLS does not change. The connection that is idle for longest is first. */
  const connections = new Map<string, Connection>()
  const byAddress = new Map<string, Map<string, Connection>>()

  const add = (peer: string, connection: Connection) => {
    connections.set(peer, connection)
    byAddress.getOrInsertComputed(connection.address, () => new Map()).set(peer, connection)
  }
  const remove = (peer: string, { address }: Connection) => {
    connections.delete(peer)
    const others = byAddress.get(address)
    if (others?.delete(peer) === true && others.size === 0) byAddress.delete(address)
  }
  const isTrusted = (socket: Socket) =>
    Option.exists(AddressKey.parse(socket.remoteAddress), (address) =>
      trustedProxies.some((network) => IpNetwork.contains(network, address)),
    )
  /** Closes the connection that has been idle for longest. Returns whether there was such a connection. */
  const closeIdle = (among: ReadonlyMap<string, Connection>): boolean => {
    for (const [peer, connection] of among) {
      if (connection.unanswered.size > 0) continue
      remove(peer, connection)
      connection.socket.destroy()
      onDrop()
      return true
    }
    return false
  }

  server.prependListener("connection", (socket: Socket) => {
    const [peer, address] = [peerOf(socket), AddressKey.of(socket.remoteAddress)]
    const others = byAddress.get(address)
    const isFull = others !== undefined && others.size >= maximum.connectionsPerAddress && !isTrusted(socket)
    if (isFull && !closeIdle(others)) {
      onDrop()
      return void socket.destroy()
    }
    if (connections.size >= maximum.crowded) closeIdle(connections)
    const connection: Connection = { socket, address, unanswered: new Set(), isClosing: false }
    add(peer, connection)
    socket.once("close", () => {
      if (connections.get(peer) === connection) remove(peer, connection)
    })
  })

  return ({ socket }: IncomingMessage, response: ServerResponse): boolean => {
    const peer = peerOf(socket)
    const connection = connections.get(peer)
    if (connection === undefined || connection.isClosing || !socket.writable) return false
    const { unanswered } = connection
    unanswered.add(response)
    response.once("close", () => {
      unanswered.delete(response)
      if (unanswered.size > 0 || connections.get(peer) !== connection) return
      remove(peer, connection)
      add(peer, connection)
    })
    if (unanswered.size === maximum.requestsPerConnection) {
      connection.isClosing = true
      response.setHeader("connection", "close")
      ignoreRest(socket)
    }
    return true
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

/**
 * Node has no public API for this. Its own code sets the same function, which makes a response for each request. Without
 * it, the requests that have already arrived would cost a tenth of what they cost when they are answered.
 */
const ignoreRest = (socket: Socket & { readonly parser?: { onIncoming: () => number } | null }): void => {
  if (socket.parser) socket.parser.onIncoming = () => 0
}
