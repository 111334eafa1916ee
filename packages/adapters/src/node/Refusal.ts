/**
 * Responses to input that never becomes a request: problems (RFC 9457), like all errors, and the end of the connection.
 * Their type is `about:blank`, which says that they mean no more than their status.
 */
import * as ProblemDetails from "effect/http/ProblemDetails"
import { type RequestListener, type Server, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import * as BrokenResponse from "./BrokenResponse.ts"

/** The limit of Node's parser for the headers of a request. */
export const maximumHeaderBytes = 16_384

/** How long a caller that may still be sending has to read a refusal, in milliseconds. */
const graceMillis = 500

/** Every status of a refusal. */
export const statuses = [400, 405, 408, 413, 417, 431, 503, 505]

interface Options {
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>
  readonly onRefusal: (status: number) => void
}

/** Makes `server` refuse with a problem what it cannot parse, what is too slow, and what it does not offer. */
export const install = (server: Server, { headers, onRefusal }: Options): void => {
  const refuse = (socket: Socket, status: number, more: Readonly<Record<string, string>> = {}) => {
    onRefusal(status)
    const body = JSON.stringify({ ...problem(status), ...detailOf(status) })
    const lines = Object.entries({ ...headers, ...more, ...closing, ...headersOf(body) }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`)
    // Destroying it immediately could discard the refusal while the caller is still sending.
    const timer = setTimeout(() => socket.destroy(), graceMillis)
    socket.once("close", () => clearTimeout(timer))
  }

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = statusOf(error.code)
    // No response is possible before the TLS handshake or in the middle of another response.
    if (status === undefined || BrokenResponse.isAnswering(socket as Socket)) socket.destroy()
    else if (socket.writable) refuse(socket as Socket, status)
  })
  server.on("connect", (_, socket) => {
    socket.on("error", () => {})
    refuse(socket as Socket, 405, { allow: "GET, HEAD, POST" })
  })
  const answerExpectation = answer(417, closing)
  server.on("checkExpectation", (request, response) => {
    onRefusal(417)
    answerExpectation(request, response)
  })
}

/** Answers every request with the problem of this status. */
export const answer = (status: number, more: Readonly<Record<string, string>> = {}): RequestListener => {
  const body = JSON.stringify(problem(status))
  return (_, response) => void response.writeHead(status, { ...more, ...headersOf(body) }).end(body)
}

/** Names the limit, which a user in very many groups may meet without knowing. */
const detailOf = (status: number) =>
  status === 431 ? { detail: `The headers, with the token, may have ${maximumHeaderBytes} bytes.` } : {}

/** The status for an error of the parser or of a time limit; undefined for an error below HTTP. */
const statusOf = (code: string | undefined): number | undefined => {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return 408
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return 413
    case "HPE_HEADER_OVERFLOW":
      return 431
    case "HPE_INVALID_VERSION":
    // The preface of HTTP/2.
    case "HPE_PAUSED_H2_UPGRADE":
      return 505
    default:
      return code?.startsWith("HPE_") === true ? 400 : undefined
  }
}

/** The problem that means no more than its status. */
export const problem = (status: number): ProblemDetails.ProblemDetails => ({
  type: ProblemDetails.blankType,
  status,
  title: STATUS_CODES[status] ?? "",
})

/** Says that the connection ends with the response. */
export const closing = { connection: "close" }

const headersOf = (body: string): Readonly<Record<string, string>> => ({
  "cache-control": "no-store",
  "content-length": String(Buffer.byteLength(body)),
  "content-type": ProblemDetails.contentType,
})
