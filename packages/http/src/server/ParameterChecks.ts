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
import * as Fault from "./Fault.ts"

export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
}): Layer.Layer<CheckedParameters> =>
  Layer.succeed(
    CheckedParameters,
    Effect.fnUntraced(function* (answer, { endpoint }) {
      const query = yield* HttpServerRequest.ParsedSearchParams
      const params = yield* HttpRouter.params
      const faults = [
        ...nameFaults(endpoint, query),
        ...currencyFaults({ ...query, ...params }, options.currencies),
        ...(yield* valueFaults(endpoint, query)),
      ]
      yield* Fault.refuse(Arr.dedupeWith(faults, (a, b) => a.field === b.field))
      return yield* answer
    }),
  )

type Query = HttpServerRequest.ParsedSearchParams["Service"]

/** Parameters that the endpoint does not know, and those given more than once. */
const nameFaults = (endpoint: HttpApiEndpoint.Top, query: Query): ReadonlyArray<Fault.Fault> => {
  const names = namesOf(endpoint)
  return Object.entries(query).flatMap(([field, value]): ReadonlyArray<Fault.Fault> => {
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

const currencyFaults = (
  { currency }: { readonly [name: string]: string | ReadonlyArray<string> | undefined },
  currencies: ReadonlyArray<string>,
): ReadonlyArray<Fault.Fault> =>
  typeof currency !== "string" || currencies.includes(currency) ? [] : [currencyFault("currency", currencies)]

export const currencyFault = (field: string, currencies: ReadonlyArray<string>): Fault.Fault => ({
  field,
  message: `expected a currency that is configured: ${currencies.join(", ")}`,
})

/** Parameters of the query that are not as their schema says. */
const valueFaults = Effect.fnUntraced(function* ({ query: schema }: HttpApiEndpoint.Top, query: Query) {
  if (schema === undefined) return []
  const decode = Schema.decodeUnknownEffect(schema as Schema.Codec<unknown, unknown>, { errors: "all" })
  return yield* decode(query).pipe(
    Effect.as([]),
    Effect.catch(({ issue }) => Effect.succeed(Fault.ofIssue(issue))),
  )
})
