/** No secret that a client sends is exposed in answers, logs at the debug level, metrics or spans. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as CognitoPool from "../../adapters/test/cognito/CognitoPool.ts"
import * as CognitoServer from "../../adapters/test/cognito/CognitoServer.ts"
import * as DataFolder from "../../adapters/test/embedded/DataFolder.ts"
import * as TestDatabase from "../../adapters/test/postgres/TestDatabase.ts"
import { exchange } from "../../adapters/test/RawExchange.ts"
import { eventually } from "../../adapters/test/Waiting.ts"
import { signIn } from "./ApiClient.ts"
import { layerAt, port } from "./ApiUnderTest.ts"
import * as Canaries from "./Canaries.ts"
import * as Program from "./Program.ts"

const assertHidden = (text: string, where: string) => {
  const at = text.toLowerCase().indexOf(Canaries.mark)
  assert.strictEqual(at, -1, `${where}: ${text.slice(Math.max(0, at - 300), at + 100)}`)
}

const managementOf = (program: Program.Program) =>
  /address"?[:=]"?(http:[^\s",]+)"?,? ?"?setting"?[:=]"?MANAGEMENT_PORT/.exec(program.output())?.[1] ?? ""

/** The API's port does not serve the platform's paths, and the management port does not serve the API's paths. */
const assertApart = Effect.fnUntraced(function* (program: Program.Program) {
  for (const url of [
    ...["/live", "/ready", "/metrics"].map((path) => program.url + path),
    ...["/openapi.json", "/docs", "/v1/prices", "/get_token"].map((path) => managementOf(program) + path),
  ]) {
    assert.strictEqual((yield* HttpClient.get(url)).status, 404, url)
  }
})

const metricsOf = Effect.fnUntraced(function* (program: Program.Program) {
  const response = yield* HttpClient.get(`${managementOf(program)}/metrics`)
  assert.strictEqual(response.status, 200)
  return yield* response.text
})

/** Sends all canaries, and looks for them in everything that the program outputs. */
const assertSilent = Effect.fnUntraced(function* (program: Program.Program) {
  const answers = yield* Canaries.sendAll(Number(new URL(program.url).port))
  for (const [index, answer] of answers.entries()) {
    assert.match(answer, /^HTTP\/1\.1 \d{3} /)
    assertHidden(answer, Canaries.requests[index] ?? "")
  }
  const metrics = yield* metricsOf(program)
  assert.match(metrics, /^http_request_duration_seconds_count\{/m)
  assert.match(metrics, /^http_requests_refused_total\{status="400"\} \d+$/m)
  assertHidden(metrics, "metrics")
  assert.include(program.output(), '"level":"debug"', "the log is at the debug level")
  assertHidden(program.output(), "log")
})

const services = Layer.merge(NodeServices.layer, NodeHttpClient.layerUndici)

layer(services, { excludeTestServices: true })("Secrets that a client sends", (it) => {
  it.effect("are not exposed by the embedded program", () =>
    Effect.gen(function* () {
      const DATA_DIR = yield* DataFolder.make
      const program = yield* Program.start("embedded", {
        flags: ["--replay"],
        env: { DATA_DIR, LOG_FORMAT: "json", LOG_LEVEL: "debug" },
      })
      yield* assertApart(program)
      yield* assertSilent(program)
    }),
  )

  it.effect("are not exposed by the API, whatever Cognito answers", () =>
    Effect.gen(function* () {
      const cognito = yield* CognitoServer.make({
        users: [{ username: "alice", password: Redacted.make(`${Canaries.mark}-right`) }],
      })
      const program = yield* Program.start("http", {
        env: {
          LOG_LEVEL: "debug",
          DATABASE_URL: Redacted.value(yield* TestDatabase.make),
          ...cognito.environment,
        },
      })
      const token = yield* signIn(program.url, "alice", `${Canaries.mark}-right`)
      const exception = { exception: "InternalErrorException" }
      const misconfigured = { exception: "ResourceNotFoundException" }
      const challenge = { challenge: "SMS_MFA", parameters: { USER: `${Canaries.mark}-parameter` } }
      const signInAt = Effect.fnUntraced(function* (answer: CognitoServer.CallAnswer) {
        cognito.answerCalls(answer)
        const text = yield* exchange(Number(new URL(program.url).port), Canaries.requests[0] ?? "")
        assertHidden(text, JSON.stringify(answer))
      })
      // The program waits seconds for these answers, so the test waits for both at once.
      const slow = yield* Effect.forEach(["stall", "hang"] as const, (answer) =>
        Effect.gen(function* () {
          const { length } = cognito.requests
          const fiber = yield* Effect.forkChild(signInAt(answer))
          yield* eventually(Effect.sync(() => cognito.requests.length > length))
          return fiber
        }),
      )
      for (const answer of ["html", "empty", "reset", exception, misconfigured, challenge] as const) {
        yield* signInAt(answer)
      }
      yield* Fiber.joinAll(slow)
      cognito.answerKeys("garbage")
      yield* assertApart(program)
      yield* assertSilent(program)
      assert.notInclude(program.output(), token)
      assert.notInclude(program.output(), Redacted.value(CognitoPool.clientSecret))
    }),
  )
})

describe("The API's spans", () => {
  it.effect("contain no secret that a client sends", () => {
    const spans: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      },
    })
    return Effect.gen(function* () {
      yield* Canaries.sendAll(yield* port)
      const names = new Set(spans.map(({ name }) => name))
      assert.includeMembers([...names], ["GET", "POST", "TRACE"])
      for (const { name, attributes, links, status } of spans) {
        assertHidden(inspect([name, [...attributes], links, status], { depth: 12 }), "span")
      }
      const routes = spans.flatMap(({ attributes }) => attributes.get("http.route") ?? [])
      assert.includeMembers(routes, ["/get_token", "/v1/prices/:currency"])
    }).pipe(
      Effect.provide(
        layerAt("2026-11-24T10:02:30.000Z").pipe(Layer.provide(Layer.succeed(Tracer.Tracer, tracer))),
      ),
    )
  })
})
