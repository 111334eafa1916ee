/** The managed login on real sockets, against an independent OpenID provider. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as OidcServer from "../../../adapters/test/cognito/OidcServer.ts"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as ApiReplica from "../ApiReplica.ts"
import { type Answer, assertProblem, fieldErrors } from "../ApiUnderTest.ts"
import * as Program from "../Program.ts"

/** A replica of the API that admits users of the provider. */
const replica = ({ options }: OidcServer.OidcServer, changes: Partial<CognitoUserPool.Options> = {}) =>
  ApiReplica.start({
    users: CognitoUserPool.layer({ ...options, ...changes }),
    secrets: options.clientSecrets,
    passwordLogin: false,
  })

const cookieName = "__Host-btc-price-login"

/** The provider uses the system's clock, so the TestClock starts with its time. */
const start = Effect.gen(function* () {
  yield* TestClock.setTime(Date.now())
  const peer = yield* OidcServer.make
  return { peer, api: yield* replica(peer) }
})

const ask = ({ send }: ApiReplica.ApiReplica, path: string, cookie = "") =>
  send("GET", path, { headers: cookie === "" ? {} : { cookie } })

/** Begins a login as a browser does. Returns the page it was sent to, and its cookie. */
const begin = Effect.fnUntraced(function* (api: ApiReplica.ApiReplica, path = "/login") {
  const answer = yield* ask(api, path)
  assert.strictEqual(answer.status, 302)
  const [cookie = ""] = (answer.headers["set-cookie"] ?? "").split(";", 1)
  return { answer, cookie, page: new URL(answer.headers["location"] ?? "") }
})

const assertExpired = ({ headers }: Answer) =>
  assert.match(
    headers["set-cookie"] ?? "",
    /^__Host-btc-price-login=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$/,
  )

describe("Managed login", () => {
  it.effect("begins on one replica and ends on another, with tokens that a third replica accepts", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      const { answer, cookie, page } = yield* begin(api)
      assert.strictEqual(page.origin + page.pathname, `${peer.options.endpoint}/oauth2/authorize`)
      const { code_challenge, state, nonce, ...rest } = Object.fromEntries(page.searchParams)
      assert.deepStrictEqual(rest, {
        response_type: "code",
        client_id: peer.options.clientId,
        redirect_uri: OidcServer.redirectUri,
        scope: "openid",
        code_challenge_method: "S256",
      })
      for (const secret of [code_challenge, state, nonce]) assert.match(secret ?? "", /^[\w-]{43}$/)
      assert.match(
        answer.headers["set-cookie"] ?? "",
        /^__Host-btc-price-login=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      )
      assert.strictEqual(answer.headers["cache-control"], "no-store")

      const back = yield* peer.visit(page, "alice")
      const finished = yield* ask(yield* replica(peer), `/callback${back.search}`, cookie)
      assert.strictEqual(finished.status, 200, finished.text)
      assert.strictEqual(finished.headers["cache-control"], "no-store")
      assertExpired(finished)
      const { token_type, expires_in, id_token, access_token, ...others } = finished.body
      assert.deepStrictEqual([token_type, others], ["Bearer", {}])
      assert.isAtLeast(expires_in, 3_590)
      assert.isNotEmpty(access_token)
      const read = yield* (yield* replica(peer)).send("GET", "/v1/sources", { token: id_token })
      assert.strictEqual(read.status, 200)
    }),
  )

  it.effect("refuses every other code, state, cookie and nonce with the same bytes, and ends the login", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      const [mine, theirs] = [yield* begin(api), yield* begin(api)]
      const [back, other] = [yield* peer.visit(mine.page, "alice"), yield* peer.visit(theirs.page, "mallory")]
      const [code, state] = [back.searchParams.get("code")!, back.searchParams.get("state")!]
      const [otherCode, otherState] = [other.searchParams.get("code")!, other.searchParams.get("state")!]
      const changed = mine.cookie.replace(/.$/, (last) => (last === "A" ? "B" : "A"))
      const finish = (query: Record<string, string>, cookie: string) =>
        ask(api, `/callback?${new URLSearchParams(query)}`, cookie)

      const refused: Record<string, Answer> = {
        "without a cookie": yield* finish({ code, state }, ""),
        "with the cookie of another browser": yield* finish({ code, state }, theirs.cookie),
        "with a changed cookie": yield* finish({ code, state }, changed),
        "with a cookie that was made up": yield* finish({ code, state }, `${cookieName}=${state}`),
        "with the state of another browser": yield* finish({ code, state: otherState }, mine.cookie),
        "with a state of another length": yield* finish({ code, state: `${state}A` }, mine.cookie),
        "with the code of another user": yield* finish({ code: otherCode, state }, mine.cookie),
        "with a code that was made up": yield* finish({ code: "x", state }, mine.cookie),
      }
      // No attempt used up the login.
      assert.strictEqual((yield* finish({ code, state }, mine.cookie)).status, 200)
      refused["a second time"] = yield* finish({ code, state }, mine.cookie)
      const again = yield* begin(api)
      const newState = again.page.searchParams.get("state")!
      refused["with the code of a login that is over"] = yield* finish(
        { code, state: newState },
        again.cookie,
      )
      again.page.searchParams.set("nonce", theirs.page.searchParams.get("nonce")!)
      const nonced = yield* peer.visit(again.page, "alice")
      refused["with the nonce of another login"] = yield* ask(api, `/callback${nonced.search}`, again.cookie)

      for (const [how, answer] of Object.entries(refused)) {
        assertProblem(answer, 401, "login-failed")
        assertExpired(answer)
        assert.strictEqual(answer.text, refused["without a cookie"]?.text, how)
      }
    }),
  )

  it.effect("expires ten minutes after it began", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      const [late, inTime] = [yield* begin(api), yield* begin(api)]
      const [lateBack, back] = [
        yield* peer.visit(late.page, "alice"),
        yield* peer.visit(inTime.page, "alice"),
      ]
      yield* TestClock.adjust("599 seconds")
      assert.strictEqual((yield* ask(api, `/callback${back.search}`, inTime.cookie)).status, 200)
      yield* TestClock.adjust("1 second")
      assertProblem(yield* ask(api, `/callback${lateBack.search}`, late.cookie), 401, "login-failed")
    }),
  )

  it.effect("requires exactly one code and one state, and repeats nothing of a request", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const { cookie } = yield* begin(api)
      for (const [query, ...fields] of [
        ["", "code", "state"],
        ["code=canary", "state"],
        ["state=canary", "code"],
        ["code=&state=canary", "code"],
        ["code=canary&code=canary&state=canary", "code"],
        ["code=canary&state=canary&state=canary", "state"],
        [`code=${"canary".repeat(171)}&state=x`, "code"],
        ["CODE=canary&State=canary", "code", "state"],
      ] as const) {
        const answer = yield* ask(api, `/callback?${query}`, cookie)
        assert.deepStrictEqual(Object.keys(fieldErrors(answer)), fields)
        assert.notInclude(answer.text, "canary")
        assertExpired(answer)
      }
    }),
  )

  it.effect("reports the provider's refusal without repeating its text", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      const { cookie, page } = yield* begin(api)
      const back = yield* peer.visit(page, "nobody")
      assert.deepStrictEqual(
        [back.searchParams.get("error"), back.searchParams.get("error_description")],
        ["access_denied", "canary <script>"],
      )
      const state = back.searchParams.get("state")!
      const odd = `?error=canary%0d%0aX:%20y&error=canary&state=${state}`
      for (const search of [back.search, `${back.search}&code=x`, odd]) {
        const answer = yield* ask(api, `/callback${search}`, cookie)
        assertProblem(answer, 403, "login-refused")
        assert.notMatch(answer.text, /canary|access_denied|script/)
        assertExpired(answer)
      }
    }),
  )

  it.effect("believes an error only with the state of this browser's login", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const [mine, theirs] = [yield* begin(api), yield* begin(api)]
      for (const cookie of [mine.cookie, ""]) {
        const state = theirs.page.searchParams.get("state")!
        const foreign = yield* ask(api, `/callback?error=access_denied&state=${state}`, cookie)
        assertProblem(foreign, 401, "login-failed")
        const without = yield* ask(api, "/callback?error=access_denied", cookie)
        assert.deepStrictEqual(Object.keys(fieldErrors(without)), ["state"])
      }
      assert.notInclude(api.log(), "reported that a login failed")
    }),
  )

  it.effect("does not finish a login on HEAD", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      const { cookie, page } = yield* begin(api)
      const back = yield* peer.visit(page, "alice")
      const head = yield* api.send("HEAD", `/callback${back.search}`, { headers: { cookie } })
      assert.deepStrictEqual([head.status, head.headers["allow"]], [405, "GET"])
      assert.notProperty(head.headers, "set-cookie")
      assert.strictEqual((yield* ask(api, `/callback${back.search}`, cookie)).status, 200)
    }),
  )

  it.effect("redirects only to the provider's page, whatever the request says", () =>
    Effect.gen(function* () {
      const { peer, api } = yield* start
      for (const target of [
        "//evil.example",
        "\\evil.example",
        "/\\evil.example",
        "\r\nSet-Cookie: evil=1",
      ]) {
        const text = encodeURIComponent(target)
        // Each iteration makes the maximum number of logins per minute.
        yield* TestClock.adjust("1 minute")
        for (const name of ["redirect_uri", "redirect", "next", "return_to", "state", "client_id"]) {
          const { answer, page } = yield* begin(api, `/login?${name}=${text}`)
          assert.strictEqual(page.origin + page.pathname, `${peer.options.endpoint}/oauth2/authorize`)
          assert.strictEqual(page.searchParams.get("redirect_uri"), OidcServer.redirectUri)
          assert.notMatch(`${answer.headers["location"]} ${answer.headers["set-cookie"]}`, /evil/)
        }
        for (const path of [`/login/${text}`, `/callback/${text}`, `/${text}/login`]) {
          const answer = yield* ask(api, path)
          assertProblem(answer, 404, "not-found")
          assert.isUndefined(answer.headers["location"])
        }
        const { cookie, page } = yield* begin(api)
        const back = yield* peer.visit(page, "alice")
        const finished = yield* ask(api, `/callback${back.search}&redirect_uri=${text}&next=${text}`, cookie)
        assert.strictEqual(finished.status, 200)
        assert.isUndefined(finished.headers["location"])
      }
    }),
  )

  it.effect("stays within the maximum calls to the provider per second", () =>
    Effect.gen(function* () {
      const { peer } = yield* start
      const api = yield* ApiReplica.start({
        users: CognitoUserPool.layer(peer.options),
        secrets: peer.options.clientSecrets,
        providerCallsPerSecond: 1,
      })
      const finish = Effect.gen(function* () {
        const { cookie, page } = yield* begin(api)
        const back = yield* peer.visit(page, "alice")
        return yield* ask(api, `/callback${back.search}`, cookie)
      })
      assert.strictEqual((yield* finish).status, 200)
      const refused = yield* finish
      assertProblem(refused, 503, "identity-unavailable")
      assert.strictEqual(refused.headers["retry-after"], "1")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* finish).status, 200)
    }),
  )

  it.effect("blames the service when the provider does not accept it or cannot be reached", () =>
    Effect.gen(function* () {
      const { peer } = yield* start
      for (const [changes, status, name] of [
        [{ clientSecrets: [Redacted.make("canary-other")] }, 500, "internal-error"],
        [
          { managedLogin: { domain: "http://127.0.0.1:1", redirectUri: OidcServer.redirectUri } },
          503,
          "identity-unavailable",
        ],
      ] as const) {
        const api = yield* replica(peer, changes)
        const { cookie, page } = yield* begin(api)
        const back = yield* peer.visit(new URL(page.pathname + page.search, peer.options.endpoint), "alice")
        const answer = yield* ask(api, `/callback${back.search}`, cookie)
        assertProblem(answer, status, name)
        assert.strictEqual(answer.headers["retry-after"], status === 503 ? "5" : undefined)
        assertExpired(answer)
      }
    }),
  )
})

layer(NodeHttpClient.layerUndici, { excludeTestServices: true })("The API program", (it) => {
  it.effect("offers only the managed login when PASSWORD_LOGIN is off", () =>
    Effect.gen(function* () {
      const { environment, visit } = yield* OidcServer.make
      const { url } = yield* Program.start("http", {
        env: {
          DATABASE_URL: Redacted.value(yield* TestDatabase.make),
          ...environment,
          PASSWORD_LOGIN: "off",
        },
      })
      const off = yield* HttpClient.post(`${url}/get_token`)
      const { type, detail } = (yield* off.json) as Readonly<Record<string, unknown>>
      assert.deepStrictEqual([off.status, type], [404, "urn:btc-price:problem:password-login-off"])
      assert.strictEqual(detail, "GET /login signs in on the identity provider's own pages.")
      const begun = yield* HttpClient.get(`${url}/login`)
      const back = yield* visit(new URL(begun.headers["location"] ?? ""), "alice")
      const cookie = (begun.headers["set-cookie"] ?? "").split(";", 1)[0] ?? ""
      const finished = yield* HttpClient.get(`${url}/callback${back.search}`, { headers: { cookie } })
      const { id_token } = (yield* finished.json) as { readonly id_token: string }
      const read = yield* HttpClient.get(`${url}/v1/sources`, {
        headers: { authorization: `Bearer ${id_token}` },
      })
      assert.strictEqual(read.status, 200)
    }),
  )
})
