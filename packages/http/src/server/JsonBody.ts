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
    /** Finds what is wrong beyond the schema, so that all errors are listed together. The schema may be violated. */
    readonly check?: (body: unknown) => ReadonlyArray<FieldError.FieldError>
  },
) {
  const { limitBytes, form, onExcessProperty = "error", check = () => [] } = options
  const bytes = yield* read(request, limitBytes)
  const notJson = invalidBody(`The body must be a JSON object: ${form}`)
  const body = yield* Effect.mapError(Effect.flatMap(decodeText(bytes), decodeJson), (error) =>
    error._tag === "InvalidRequest" ? error : notJson,
  )
  const errors = check(body)
  return yield* Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty })(body).pipe(
    Effect.mapError(({ issue }) => {
      const ofSchema = FieldError.ofIssue(issue)
      return ofSchema.some(({ field }) => field === "")
        ? notJson
        : FieldError.toProblem([...ofSchema, ...errors])
    }),
    Effect.tap(() => FieldError.refuse(errors)),
  )
})

const decodeJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

const invalidBody = (message: string) => FieldError.toProblem([{ field: "", message }])

/** A body in another encoding would turn a right password into a wrong password. */
const decodeText = (bytes: ArrayBuffer) =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => invalidBody("The body must be encoded in UTF-8"),
  })

const read = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, limitBytes: number) {
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase()
  if (mediaType !== "application/json" || request.headers["content-encoding"] !== undefined) {
    return yield* new NotJson()
  }
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return yield* new BodyTooLarge()
  return yield* request.arrayBuffer.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(limitBytes)),
    Effect.mapError(() => new BodyTooLarge()),
  )
})
