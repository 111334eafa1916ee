/**
 * Answers to what never becomes a request: problems (RFC 9457) as all errors are, and the end of the connection. They
 * mean no more than their status, which is what the type `about:blank` says.
 */
import * as ProblemDetails from "effect/http/ProblemDetails"
import { type RequestListener, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"

/** How long a caller may take to read a refusal while it may still be sending, in milliseconds. */
const graceMillis = 500

interface Options {
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>
  readonly onRefusal: (status: number) => void
}

/** Has `server` refuse with problems what it cannot read, does not wait for any longer, or does not offer. */
export const install = (server: Server, { headers, onRefusal }: Options): void => {
  const refuse = (socket: Socket, status: number, more: Readonly<Record<string, string>> = {}) => {
    onRefusal(status)
    const body = JSON.stringify(problem(status))
    const lines = Object.entries({ ...headers, ...more, ...headersOf(body) }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`)
    // To destroy it at once could take the refusal back from who is still sending.
    const timer = setTimeout(() => socket.destroy(), graceMillis)
    socket.once("close", () => clearTimeout(timer))
  }

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = statusOf(error.code)
    // Nothing can be said before TLS is agreed on, nor in the middle of an answer.
    if (status === undefined || hasBegunToAnswer(socket as Socket)) socket.destroy()
    else if (socket.writable) refuse(socket as Socket, status)
  })
  server.on("connect", (_, socket) => {
    socket.on("error", () => {})
    refuse(socket as Socket, 405, { allow: "GET, HEAD, POST" })
  })
  const answerExpectation = answer(417)
  server.on("checkExpectation", (request, response) => {
    onRefusal(417)
    answerExpectation(request, response)
  })
}

/** Answers every request with this problem and the end of the connection. */
export const answer = (status: number, more: Readonly<Record<string, string>> = {}): RequestListener => {
  const body = JSON.stringify(problem(status))
  return (_, response) => void response.writeHead(status, { ...more, ...headersOf(body) }).end(body)
}

/** Of what the parser or the time limits have to say; undefined for what is wrong below HTTP. */
const statusOf = (code: string | undefined): number | undefined => {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return 408
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return 413
    case "HPE_HEADER_OVERFLOW":
      return 431
    default:
      return code?.startsWith("HPE_") === true ? 400 : undefined
  }
}

/** Node offers no public way to ask; its own handler asks like this. */
const hasBegunToAnswer = (socket: Socket & { readonly _httpMessage?: ServerResponse }): boolean =>
  socket._httpMessage?.headersSent === true

/** It means no more than its status. */
export const problem = (status: number): ProblemDetails.ProblemDetails => ({
  type: ProblemDetails.blankType,
  status,
  title: STATUS_CODES[status] ?? "",
})

const headersOf = (body: string): Readonly<Record<string, string>> => ({
  "cache-control": "no-store",
  connection: "close",
  "content-length": String(Buffer.byteLength(body)),
  "content-type": ProblemDetails.contentType,
})
