/** Refuses whatever an endpoint of the versioned API is asked with that it does not take, all of it at once. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { CheckedParameters } from "../api/Parameters.ts"
import * as FieldError from "./FieldError.ts"

export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
}): Layer.Layer<CheckedParameters> =>
  Layer.succeed(
    CheckedParameters,
    Effect.fnUntraced(function* (answer, { endpoint }) {
      const query = yield* HttpServerRequest.ParsedSearchParams
      const params = yield* HttpRouter.params
      const errors = [
        ...nameErrors(endpoint, query),
        ...currencyErrors({ ...query, ...params }, options.currencies),
        ...(yield* valueErrors(endpoint, query)),
      ]
      yield* FieldError.refuse(Arr.dedupeWith(errors, (a, b) => a.field === b.field))
      return yield* answer
    }),
  )

type Query = HttpServerRequest.ParsedSearchParams["Service"]

/** Parameters that the endpoint does not know, and those given more than once. */
const nameErrors = (endpoint: HttpApiEndpoint.Top, query: Query): ReadonlyArray<FieldError.FieldError> => {
  const names = namesOf(endpoint)
  return Object.entries(query).flatMap(([field, value]): ReadonlyArray<FieldError.FieldError> => {
    if (!names.includes(field)) {
      const known = names.length === 0 ? "it takes none" : `it takes ${names.join(", ")}`
      return [{ field: field.slice(0, 64), message: `not a parameter of this address: ${known}` }]
    }
    return Array.isArray(value) ? [{ field, message: "expected once" }] : []
  })
}

const namesOf = ({ query }: HttpApiEndpoint.Top): ReadonlyArray<string> => {
  const ast = query === undefined ? undefined : SchemaAST.toType(query.ast)
  return ast !== undefined && SchemaAST.isObjects(ast)
    ? ast.propertySignatures.map(({ name }) => String(name))
    : []
}

const currencyErrors = (
  { currency }: { readonly [name: string]: string | ReadonlyArray<string> | undefined },
  currencies: ReadonlyArray<string>,
): ReadonlyArray<FieldError.FieldError> =>
  typeof currency !== "string" || currencies.includes(currency) ? [] : [currencyError("currency", currencies)]

export const currencyError = (field: string, currencies: ReadonlyArray<string>): FieldError.FieldError => ({
  field,
  message: `expected a currency that is configured: ${currencies.join(", ")}`,
})

/** Parameters of the query that are not as their schema says. */
const valueErrors = Effect.fnUntraced(function* ({ query: schema }: HttpApiEndpoint.Top, query: Query) {
  if (schema === undefined) return []
  const decode = Schema.decodeUnknownEffect(schema as Schema.Codec<unknown, unknown>, { errors: "all" })
  return yield* decode(query).pipe(
    Effect.as([]),
    Effect.catch(({ issue }) => Effect.succeed(FieldError.ofIssue(issue))),
  )
})
