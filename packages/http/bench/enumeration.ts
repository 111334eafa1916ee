/**
 * Whether a rejected sign-in reveals that its user exists. Existing and unknown names sign in alternately with a
 * wrong password at the real API program, whose Cognito stand-in takes longer for existing users. The answers must be
 * the same byte for byte, and their times must be indistinguishable.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type IncomingMessage, request } from "node:http"
import { text } from "node:stream/consumers"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import { inMillis, median, print } from "../../adapters/bench/Measurement.ts"
import * as CognitoServer from "../../adapters/test/cognito/CognitoServer.ts"
import * as ApiProcess from "./ApiProcess.ts"
import * as MannWhitney from "./MannWhitney.ts"

/** Each name is tried once, because a user with many failures has to wait. */
const tries = 200
const atOnce = 4

/** How much longer Cognito takes for existing users, in milliseconds. */
const delayMillis = 20

const warmUps = 8

const nameOf = (kind: "known" | "other", index: number) => `${kind}-${String(index).padStart(4, "0")}`

const known = Array.from({ length: tries + warmUps }, (_, index) => nameOf("known", index))

const bench = Effect.gen(function* () {
  const cognito = yield* CognitoServer.make({
    users: known.map((username) => ({ username, password: Redacted.make("right") })),
    delayMillis: (body) => (body.includes('"USERNAME":"known-') ? delayMillis : 0),
  })
  const database = yield* BenchDatabase.make(yield* BenchDatabase.start, "enumeration")
  const { url } = yield* ApiProcess.start(database, cognito, {
    // Each attempt comes from a different address, so that no limit is reached.
    TRUSTED_PROXIES: "127.0.0.1/32",
    PROVIDER_CALLS_PER_SECOND: "10000",
  })

  const turn = (index: number) => {
    const names = [nameOf("known", index), nameOf("other", index)]
    return Effect.forEach(index % 2 === 0 ? names : names.toReversed(), (username) => signIn(url, username))
  }
  const inTurns = (from: number, count: number) =>
    Effect.forEach(Array.from({ length: count }), (_, index) => turn(from + index), { concurrency: atOnce })
  yield* inTurns(tries, warmUps)
  const answers = (yield* inTurns(0, tries)).flat()

  const [users, others] = [
    answers.filter(({ username }) => username.startsWith("known")),
    answers.filter(({ username }) => username.startsWith("other")),
  ]
  const [millis, otherMillis] = [users, others].map((some) => some.map((answer) => answer.millis))
  const forms = new Set(answers.map(({ form }) => form))
  yield* print(
    `${tries} rejected sign-ins of existing users, which take Cognito ${delayMillis} ms longer, and of unknown users`,
    [
      { what: "distinct answers", figure: String(forms.size), target: "1" },
      {
        what: "median time of existing users",
        figure: inMillis(median(millis ?? [])),
        comparedTo: `unknown users: ${inMillis(median(otherMillis ?? []))}`,
      },
      {
        what: "Mann-Whitney p",
        figure: MannWhitney.p(millis ?? [], otherMillis ?? []).toFixed(4),
        target: "> 0.01",
      },
    ],
  )
  if (forms.size > 1) yield* Console.log(Array.from(forms).join("\n"))
})

let addresses = 0

/** The complete answer except its date and rate limit, and how long it took. */
const signIn = (url: string, username: string) =>
  Effect.callback<{ readonly username: string; readonly form: string; readonly millis: number }>((resume) => {
    addresses += 1
    const body = JSON.stringify({ username, password: "wrong" })
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      "x-forwarded-for": `10.0.${addresses >> 8}.${addresses & 255}`,
    }
    const start = performance.now()
    const receive = async (response: IncomingMessage) => {
      const answered = await text(response)
      const millis = performance.now() - start
      const { date: _, ratelimit: __, ...lasting } = response.headers
      const form = JSON.stringify([response.statusCode, lasting, answered])
      resume(Effect.succeed({ username, form, millis }))
    }
    request(
      `${url}/get_token`,
      { method: "POST", headers, agent: false },
      (response) => void receive(response),
    )
      .on("error", (error) => resume(Effect.die(error)))
      .end(body)
  })

NodeRuntime.runMain(
  Effect.scoped(bench).pipe(Effect.provide(Layer.merge(NodeHttpClient.layerUndici, NodeServices.layer))),
)
