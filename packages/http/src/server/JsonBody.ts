/** The JSON body of a request, of a limited size. No part of it reaches a log. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import { BodyTooLarge, NotJson } from "../api/Problem.ts"
import * as FieldError from "./FieldError.ts"

/**
 * Decodes the body by the schema. Fails with `NotJson` if it is not `application/json`, with `BodyTooLarge` if it
 * has more than `limitBytes`, and with `InvalidRequest`, which names each field in error.
 */
export const decode = Effect.fnUntraced(function* <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  request: HttpServerRequest.HttpServerRequest,
  options: {
    readonly limitBytes: number
    /** An example of the body, for the message to a client that does not send a JSON object. */
    readonly form: string
    /** What an unknown field is; an error by default. */
    readonly onExcessProperty?: "ignore" | "error"
  },
) {
  const { limitBytes, form, onExcessProperty = "error" } = options
  const text = yield* read(request, limitBytes)
  const decoded = Schema.decodeEffect(Schema.fromJsonString(schema), { errors: "all", onExcessProperty })(
    text,
  )
  return yield* Effect.mapError(decoded, ({ issue }) =>
    FieldError.toProblem(
      FieldError.ofIssue(issue).map(({ field, message }) => ({
        field,
        message: field === "" ? `The body must be a JSON object: ${form}` : message,
      })),
    ),
  )
})

const read = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, limitBytes: number) {
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase()
  if (mediaType !== "application/json" || request.headers["content-encoding"] !== undefined) {
    return yield* new NotJson()
  }
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return yield* new BodyTooLarge()
  return yield* request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(limitBytes)),
    Effect.mapError(() => new BodyTooLarge()),
  )
})
