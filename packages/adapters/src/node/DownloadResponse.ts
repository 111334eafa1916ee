/** The response class of the listeners: it ends a download with its digest. */
import { createHash, type Hash } from "node:crypto"
import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from "node:http"

/**
 * A body of unknown length gets the trailer `Content-Digest` (RFC 9530), so that its reader can tell that it is whole
 * and unchanged. Only a chunked body can have a trailer, so HTTP/1.0 does without.
 */
export class DownloadResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
  #hash: Hash | undefined

  override writeHead(status: number, ...rest: Array<unknown>): this {
    const headers = rest.at(-1)
    if (status === 200 && isHeaders(headers) && isDownload(this.req, headers)) {
      this.#hash = createHash("sha256")
      headers["trailer"] = "Content-Digest"
    }
    return super.writeHead(status, ...(rest as [OutgoingHttpHeaders]))
  }

  override write(chunk: Uint8Array | string, ...rest: Array<never>): boolean {
    this.#hash?.update(chunk)
    return super.write(chunk, ...rest)
  }

  /** Takes no last chunk: a stream is written chunk by chunk, and then ended. */
  override end(...rest: Array<never>): this {
    const digest = this.#hash?.digest("base64")
    this.#hash = undefined
    if (digest !== undefined) this.addTrailers({ "Content-Digest": `sha-256=:${digest}:` })
    return super.end(...rest)
  }
}

const isHeaders = (value: unknown): value is OutgoingHttpHeaders => typeof value === "object"

const isDownload = ({ httpVersion, method }: IncomingMessage, headers: OutgoingHttpHeaders): boolean =>
  httpVersion === "1.1" && method !== "HEAD" && headers["content-length"] === undefined
