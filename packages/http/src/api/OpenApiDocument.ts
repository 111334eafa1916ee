/** What the OpenAPI document says beyond the contract's schemas: headers, and responses that no endpoint declares. */
import type * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { CachedResponses } from "./CachedResponses.ts"

const text = (description: string, example: string) => ({ description, schema: { type: "string", example } })

const headers = {
  Allow: text("The methods of the path", "GET, HEAD"),
  "Cache-Control": text("How long a client may keep the response", "private, max-age=143"),
  ETag: text("Identifies the data; send it as If-None-Match", 'W/"4e4d6fa6b2e1b1f3c4f7a3cb1a5f0d11"'),
  RateLimit: text("What is left of each quota, and the seconds until it is full", '"user";r=59;t=60'),
  "RateLimit-Policy": text("The quotas of the request: limit and window in seconds", '"user";q=60;w=60'),
  "Retry-After": {
    description: "Seconds to wait before the next attempt",
    schema: { type: "integer", minimum: 1, example: 5 },
  },
  "WWW-Authenticate": text("How to authenticate (RFC 6750)", 'Bearer realm="btc-price"'),
} as const

const named = (...names: ReadonlyArray<keyof typeof headers>) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

const responses = {
  NotModified: {
    description: "The response that the client has is still valid",
    headers: named("Cache-Control", "ETag", "RateLimit", "RateLimit-Policy"),
  },
  MethodNotAllowed: {
    description: "The path has other methods",
    headers: named("Allow", "RateLimit", "RateLimit-Policy"),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/MethodNotAllowed" } } },
  },
} as const

interface Endpoint {
  readonly path: string
  readonly method: string
  readonly middlewares: ReadonlySet<unknown>
  readonly query: Schema.Constraint | undefined
}

/** Completes the document that is generated from `groups`. */
export const complete =
  (groups: ReadonlyArray<{ readonly endpoints: Readonly<Record<string, Endpoint>> }>) =>
  (document: Record<string, any>): Record<string, any> => {
    const paths = { ...document["paths"] }
    for (const endpoint of groups.flatMap(({ endpoints }) => Object.values(endpoints))) {
      const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}")
      const method = endpoint.method.toLowerCase()
      paths[path] = { ...paths[path], [method]: completeOperation(endpoint, paths[path][method]) }
    }
    const schemas = Object.values<Record<string, any>>(document["components"].schemas)
    for (const { properties } of schemas) {
      // Effect's own schema of a problem says only that its status is a number.
      if (properties?.status?.type === "number") properties.status.type = "integer"
    }
    return { ...document, paths, components: { ...document["components"], headers, responses } }
  }

const completeOperation = (
  endpoint: Endpoint,
  operation: OpenApi.OpenAPISpecOperation,
): OpenApi.OpenAPISpecOperation => {
  const isCached = endpoint.middlewares.has(CachedResponses) && endpoint.method === "GET"
  const headersOf = (status: string) =>
    named(
      "RateLimit",
      "RateLimit-Policy",
      ...(isCached && status === "200" ? (["Cache-Control", "ETag"] as const) : []),
      ...(operation.security.length > 0 && status === "401" ? (["WWW-Authenticate"] as const) : []),
      ...(status === "429" || status === "503" ? (["Retry-After"] as const) : []),
    )
  const declared = Object.entries(operation.responses).map(([status, response]) => [
    status,
    { ...response, headers: { ...response.headers, ...headersOf(status) } },
  ])
  return {
    ...operation,
    parameters: operation.parameters.map(completeParameter(endpoint)),
    responses: {
      ...Object.fromEntries(declared),
      ...(isCached ? { 304: { $ref: "#/components/responses/NotModified" } } : {}),
      405: { $ref: "#/components/responses/MethodNotAllowed" },
    },
  }
}

/** Tools read a parameter's description and example beside its schema. A number, text in a query, gets its own schema. */
const completeParameter =
  ({ query }: Endpoint) =>
  (parameter: OpenApi.OpenAPISpecParameter): OpenApi.OpenAPISpecParameter => {
    const { allOf = [], ...rest } = parameter.schema as { readonly allOf?: ReadonlyArray<object> }
    const { description, examples, ...schema } = Object.assign({}, rest, ...allOf)
    const number =
      parameter.in === "query" && query !== undefined ? numberIn(query, parameter.name) : undefined
    return {
      ...parameter,
      ...(description === undefined ? {} : { description }),
      ...(examples === undefined
        ? {}
        : { example: number === undefined ? examples[0] : Number(examples[0]) }),
      schema: number ?? schema,
    }
  }

const numberIn = ({ ast }: Schema.Constraint, name: string) => {
  const fields = SchemaAST.toType(ast)
  const type = SchemaAST.isObjects(fields)
    ? fields.propertySignatures.find((property) => property.name === name)?.type
    : undefined
  return type !== undefined && SchemaAST.isNumber(type)
    ? Schema.toJsonSchemaDocument(Schema.make(type)).schema
    : undefined
}
