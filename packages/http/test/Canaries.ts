/** Secrets in every part of a request that can hold a secret, even by mistake. None of them may be exposed anywhere. */
import * as Effect from "effect/Effect"
import { exchange } from "../../adapters/test/RawExchange.ts"

/** Every secret contains this word, and nothing else does. */
export const mark = "kanarienvogel"

const secret = (place: string) => `${mark}-${place}`

const json = (path: string, body: unknown) => {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}
const get = (path: string, ...lines: ReadonlyArray<string>) =>
  [`GET ${path} HTTP/1.1`, "Host: x", "Connection: close", ...lines, "", ""].join("\r\n")
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Requests of users who have not signed in. */
export const requests: ReadonlyArray<string> = [
  json("/get_token", { username: "demo", password: secret("password") }),
  json("/get_token", { username: secret("password-as-user-name"), password: "x" }),
  json("/get_token", { username: "demo", password: { nested: secret("nested") } }),
  json("/get_token", { username: "demo", password: [secret("list")] }),
  json("/get_token", { username: "demo", password: secret("long").repeat(30) }),
  json("/get_token", { username: "demo", pasword: secret("misspelt") }),
  json("/get_token", `{"username":"demo","password":"${secret("malformed")}"`),
  json("/get_token", `{"username":"demo","password":"${secret("comma")}",}`),
  json("/get_token", secret("no-json")),
  json("/get_token", { username: "demo", password: secret("huge") + "x".repeat(5_000) }),
  json("/get_token/challenge", {
    session: secret("session"),
    code: secret("code"),
    answer: secret("answer"),
  }),
  json("/get_token/challenge", `{"session":"${secret("malformed-session")}`),
  json("/get_token/refresh", { refresh_token: secret("refresh") }),
  json("/get_token/revoke", { refresh_token: secret("revoke"), token: secret("revoke") }),
  json("/v1/prices/at", { questions: [{ id: secret("id") }] }),
  json(`/get_token?password=${secret("query-of-post")}`, {}),
  `POST /get_token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${secret("type")}\r\nContent-Length: 2\r\n\r\n{}`,
  `POST /get_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${secret("chunk")}\r\n`,
  ...["/get_btc_price", "/v1/prices"].flatMap((path) => [
    get(path, `Authorization: Bearer ${secret("bearer")}`),
    get(path, `Authorization: Bearer ${part({ alg: "RS256", kid: secret("kid") })}.${part({})}.x`),
    get(path, `Authorization: Bearer ${part({ alg: secret("alg") })}.${part({ iss: secret("iss") })}.x`),
    get(path, `Authorization: Bearer ${secret("part")}.${secret("part")}.${secret("part")}`),
    get(path, `Authorization: Basic ${secret("basic")}`),
    get(path, `Authorization: Bearer a`, `Authorization: Bearer ${secret("second")}`),
    get(`${path}?access_token=${secret("query")}&sig=${secret("sig")}`),
    get(`${path}?${secret("name")}=x`),
  ]),
  get(`/callback?code=${secret("code")}&state=${secret("state")}&error=${secret("error")}`),
  get(`/login?next=${secret("next")}`),
  get(`/v1/prices/${secret("currency")}`),
  get(`/${secret("path")}`),
  get(`/${secret("long-path")}${"x".repeat(5_000)}`),
  get(`/v1/prices?x=%zz${secret("escape")}`),
  get(`http://user:${secret("userinfo")}@x/v1/prices`),
  get("/v1/prices", `Cookie: session=${secret("cookie")}`, `X-Api-Key: ${secret("key")}`),
  get("/v1/prices", `User-Agent: ${secret("agent")}`, `Referer: http://x/?token=${secret("referer")}`),
  get(
    "/v1/prices",
    `traceparent: ${secret("trace")}`,
    `b3: ${secret("b3")}`,
    `X-Request-Id: ${secret("id")}`,
  ),
  get("/v1/prices", `X-Forwarded-For: ${secret("for")}`, `X-Forwarded-Host: ${secret("host")}`),
  get("/docs", `Accept: ${secret("accept")}`, `If-None-Match: ${secret("tag")}`),
  get("/v1/prices", `${secret("header")} : x`),
  get("/v1/prices", `X: ${secret("big-header")}${"x".repeat(20_000)}`),
  `GET /v1/prices HTTP/1.1\r\nHost: ${secret("forged-host")}\r\nConnection: close\r\n\r\n`,
  `TRACE /v1/prices HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${secret("trace-method")}\r\n\r\n`,
  `CONNECT ${secret("tunnel")}:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
  `${secret("line")}\r\n\r\n`,
]

/** Sends all requests and returns all answers. */
export const sendAll = (port: number) =>
  Effect.forEach(requests, (text) => exchange(port, text), { concurrency: 8 })
