/** The OpenAPI document says what the server does, and its examples can be sent as they are. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { type Answer, get, keep, post, price, send } from "../ApiUnderTest.ts"
import { layerAt } from "../ApiUnderTest.ts"

interface Operation {
  readonly parameters: ReadonlyArray<{
    readonly in: string
    readonly name: string
    readonly example?: unknown
  }>
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly headers?: object }>>
  readonly security: ReadonlyArray<unknown>
  readonly description?: string
}

const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8")) as {
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>
  readonly components: {
    readonly headers: object
    readonly responses: Readonly<Record<string, { readonly headers: object }>>
    readonly schemas: { readonly Questions: { readonly examples: ReadonlyArray<unknown> } }
  }
  readonly servers: ReadonlyArray<{ readonly url: string }>
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description?: string }>
}

/** Each read, as the document's own examples ask for it. */
const reads = Object.entries(document.paths).flatMap(([path, { get }]) => {
  if (get === undefined || get.security.length === 0) return []
  const query = new URLSearchParams()
  for (const { in: place, name, example } of get.parameters) {
    if (place === "query" && example !== undefined) query.set(name, String(example))
  }
  const target = path.replace("{currency}", "EUR") + (query.size === 0 ? "" : `?${query.toString()}`)
  return [{ target, operation: get }]
})

const documentedHeaders = (operation: Operation, { status }: Answer) => {
  const { $ref, headers } = operation.responses[status]!
  const named = $ref === undefined ? headers : document.components.responses[$ref.split("/").at(-1)!]!.headers
  return Object.keys(named ?? {}).toSorted()
}

/** The documented kinds of headers that a response has. A response that may not be stored has no caching to describe. */
const sentHeaders = ({ headers }: Answer) =>
  Object.keys(document.components.headers)
    .filter((name) => headers[name.toLowerCase()] !== undefined)
    .filter((name) => name !== "Cache-Control" || headers["cache-control"] !== "no-store")
    .toSorted()

const current = price("EUR", "2026-11-24T10:00:10Z", "40000")

layer(layerAt("2026-11-24T10:02:30Z"))("The OpenAPI document", (it) => {
  it.effect("has examples that succeed", () =>
    Effect.gen(function* () {
      yield* keep([current])
      assert.isAtLeast(reads.length, 9)
      for (const { target } of reads) {
        const { status, text } = yield* get(target)
        assert.strictEqual(status, 200, `${target}: ${text}`)
      }
      const [questions] = document.components.schemas.Questions.examples
      const { body } = yield* post("/v1/prices/at", questions)
      assert.deepStrictEqual(
        body.answers.map(({ price }: { price: { amount: string } }) => price.amount),
        ["40000.00"],
      )
    }),
  )

  it.effect("names the headers that responses have: 200, 304, 401 and 405", () =>
    Effect.gen(function* () {
      yield* keep([current])
      for (const { target, operation } of reads) {
        const found = yield* get(target)
        const etag = found.headers["etag"]
        const answers = [found, yield* send("GET", target), yield* send("DELETE", target)]
        if (etag !== undefined) answers.push(yield* get(target, { "if-none-match": etag }))
        for (const answer of answers) {
          const where = `${target}: ${answer.status}`
          assert.property(operation.responses, String(answer.status), where)
          assert.deepStrictEqual(sentHeaders(answer), documentedHeaders(operation, answer), where)
        }
        assert.strictEqual("304" in operation.responses, etag !== undefined, target)
      }
    }),
  )

  it("describes each tag, signs in first, and has no number without a sensible bound", () => {
    assert.strictEqual(document.tags[0]?.name, "Sign-in")
    for (const { name, description } of document.tags) assert.isNotEmpty(description, name)
    assert.deepStrictEqual(
      document.servers.map(({ url }) => url),
      ["/"],
    )
    assert.notInclude(JSON.stringify(document), "-9007199254740991")
    assert.notMatch(JSON.stringify(document), /"status":\{"type":"number"/)
    const types = Object.values(document.paths)
      .flatMap(({ get }) => get?.parameters ?? [])
      .filter(({ example }) => typeof example === "number")
      .map((parameter) => (parameter as unknown as { schema: { type: string } }).schema.type)
    assert.deepStrictEqual(new Set(types), new Set(["integer"]))
  })
})
