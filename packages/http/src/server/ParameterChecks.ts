/**
 * Checks the parameters of the versioned API and reports all errors at once.
 *
 * `HttpApi.QueryParseOptions` cannot replace this: HttpApi decodes the path, then the headers, then the query, and
 * fails at the first of them; it ignores every parameter of an endpoint without a query schema; it calls a repeated
 * parameter a wrong type; and its schemas cannot know which currencies are configured.
 */
import type { Currency } from "@btc-price/domain/Currency"
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
      const query = upperCaseCurrency(yield* HttpServerRequest.ParsedSearchParams)
      const route = yield* HttpRouter.RouteContext
      const params = upperCaseCurrency(route.params)
      const errors = [
        ...nameErrors(endpoint, query),
        ...currencyErrors({ ...query, ...params }, options.currencies),
        ...(yield* valueErrors(endpoint, query)),
      ]
      yield* FieldError.refuse(errors)
      return yield* answer.pipe(
        Effect.provideService(HttpServerRequest.ParsedSearchParams, query),
        Effect.provideService(HttpRouter.RouteContext, { ...route, params }),
      )
    }),
  )

type Query = HttpServerRequest.ParsedSearchParams["Service"]

/** Parameters that the endpoint does not have, and repeated parameters. */
const nameErrors = (endpoint: HttpApiEndpoint.Top, query: Query): ReadonlyArray<FieldError.FieldError> => {
  const names = namesOf(endpoint)
  return Object.entries(query).flatMap(([field, value]): ReadonlyArray<FieldError.FieldError> => {
    if (!names.includes(field)) {
      const known = names.length === 0 ? "it has no parameters" : `its parameters are ${names.join(", ")}`
      return [{ field: field.slice(0, 64), message: `not a parameter of this endpoint: ${known}` }]
    }
    return Array.isArray(value) ? [{ field, message: "expected only once" }] : []
  })
}

const namesOf = ({ query }: HttpApiEndpoint.Top): ReadonlyArray<string> => {
  const ast = query === undefined ? undefined : SchemaAST.toType(query.ast)
  return ast !== undefined && SchemaAST.isObjects(ast)
    ? ast.propertySignatures.map(({ name }) => String(name))
    : []
}

interface Parameters {
  readonly [name: string]: string | ReadonlyArray<string> | undefined
}

/** A currency may be written in lower case, too. The contract knows its code in upper case. */
const upperCaseCurrency = <P extends Parameters>(parameters: P): P =>
  typeof parameters["currency"] === "string"
    ? { ...parameters, currency: parameters["currency"].toUpperCase() }
    : parameters

const currencyErrors = (
  { currency }: Parameters,
  currencies: ReadonlyArray<string>,
): ReadonlyArray<FieldError.FieldError> =>
  typeof currency !== "string" || currencies.includes(currency)
    ? []
    : [{ field: "currency", message: expectedCurrency(currencies) }]

export const expectedCurrency = (currencies: ReadonlyArray<string>): string =>
  `expected a configured currency: ${currencies.join(", ")}`

/** Query parameters that do not satisfy their schema. */
const valueErrors = Effect.fnUntraced(function* ({ query: schema }: HttpApiEndpoint.Top, query: Query) {
  if (schema === undefined) return []
  const decode = Schema.decodeUnknownEffect(schema as Schema.Codec<unknown, unknown>, { errors: "all" })
  return yield* decode(query).pipe(
    Effect.as([]),
    Effect.catch(({ issue }) => Effect.succeed(FieldError.ofIssue(issue))),
  )
})
