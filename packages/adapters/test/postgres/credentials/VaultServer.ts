/**
 * A strict stand-in for HashiCorp Vault on loopback, with the Kubernetes and AppRole methods and a database secrets
 * engine that really creates PostgreSQL users and really drops them. It refuses whatever Vault refuses.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { text } from "node:stream/consumers"
import * as LoopbackServer from "../../LoopbackServer.ts"
import type * as TestAuthority from "../../TestAuthority.ts"
import type { AppDatabase, User } from "../AppDatabase.ts"

export interface Options {
  readonly database: AppDatabase
  /** The lease of a user of the dynamic role `database/creds/app`, in seconds. */
  readonly leaseSeconds: number
  /** The maximum lifetime of a user, however often its lease is renewed, in seconds. */
  readonly maximumSeconds: number
  /** How long a user outlives its lease before it is dropped, in seconds. Absent: 0. */
  readonly graceSeconds?: number
  /** The lease of a token, and its maximum lifetime, however often it is renewed, in seconds. */
  readonly tokenSeconds?: number
  readonly maximumTokenSeconds?: number
  /** The namespace that requests must name. Absent: requests must name none. */
  readonly namespace?: string
  readonly tls?: TestAuthority.Pair
}

const jwt = "canary.service-account.jwt"
export const role = "btc-price"
const roleId = "canary-role-id"
export const secretId = "canary-secret-id"

/** A file with a secret that authenticates a client, ended by a newline as in production. */
const write = Effect.fnUntraced(function* (secret: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const file = yield* fileSystem.makeTempFileScoped()
  yield* fileSystem.writeFileString(file, `${secret}\n`)
  return file
})

/** How a client logs in by the Kubernetes method. */
export const kubernetes = Effect.map(
  write(jwt),
  (tokenFile) => ({ method: "kubernetes", role, tokenFile }) as const,
)

/** How a client logs in by the AppRole method. */
export const appRole = Effect.map(
  write(secretId),
  (secretIdFile) => ({ method: "approle", roleId: Redacted.make(roleId), secretIdFile }) as const,
)

interface Token {
  readonly bornMillis: number
  endMillis: number
  readonly leases: Set<string>
}

interface LeasedUser {
  readonly user: User
  readonly bornMillis: number
  endMillis: number
}

/** The answer to every request: `down` answers 503, as a sealed Vault does; `hang` does not answer. */
export type Health = "up" | "down" | "hang"

/** Runs until the scope closes. Leases end by the Clock that is provided to `make`. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const clock = yield* Clock.Clock
  const { database, graceSeconds = 0, tokenSeconds = 3600 } = options
  const tokens = new Map<string, Token>()
  const leases = new Map<string, LeasedUser>()
  const requests: Array<string> = []
  const unanswered = new Set<ServerResponse>()
  const secrets: Array<string> = [jwt, roleId, secretId]
  const statics = yield* database.createUser
  let staticPassword = statics.password
  let health: Health = "up"
  let cutOff = 0
  let mints = 0
  const now = () => clock.currentTimeMillisUnsafe()

  const drop = Effect.fnUntraced(function* (id: string) {
    const lease = leases.get(id)
    if (lease === undefined) return
    leases.delete(id)
    cutOff += yield* database.dropUser(lease.user.username)
  })

  const login = (isAuthentic: boolean) => {
    if (!isAuthentic) return refuse(400)
    const token = `hvs.${randomUUID()}`
    secrets.push(token)
    tokens.set(token, {
      bornMillis: now(),
      endMillis: now() + tokenSeconds * 1000,
      leases: new Set(),
    })
    return answer({ auth: { client_token: token, lease_duration: tokenSeconds, renewable: true } })
  }

  const mint = Effect.fnUntraced(function* (token: Token) {
    const endMillis = now() + options.leaseSeconds * 1000
    const user = yield* database.createUser
    const id = `database/creds/app/${randomUUID()}`
    leases.set(id, { user, bornMillis: now(), endMillis })
    token.leases.add(id)
    secrets.push(user.password)
    mints += 1
    return answer({ lease_id: id, lease_duration: options.leaseSeconds, renewable: true, data: user })
  })

  const renew = ({ lease_id: id, increment }: Body) => {
    const lease = leases.get(String(id))
    if (lease === undefined) return refuse(400)
    const wanted = now() + Number(increment) * 1000
    lease.endMillis = Math.min(wanted, lease.bornMillis + options.maximumSeconds * 1000)
    const seconds = Math.max(0, Math.floor((lease.endMillis - now()) / 1000))
    return answer({ lease_id: id, lease_duration: seconds, renewable: true })
  }

  const endToken = Effect.fnUntraced(function* (name: string) {
    yield* Effect.forEach(tokens.get(name)?.leases ?? [], drop, { discard: true })
    tokens.delete(name)
    return answer(undefined)
  })

  const respond = Effect.fnUntraced(function* (route: string, headers: Headers, body: Body) {
    if (headers["x-vault-request"] !== "true" || headers["x-vault-namespace"] !== options.namespace) {
      return refuse(404)
    }
    if (route === "POST auth/kubernetes/login") return login(body.role === role && body.jwt === jwt)
    if (route === "POST auth/approle/login") {
      return login(body.role_id === roleId && body.secret_id === secretId)
    }
    const name = String(headers["x-vault-token"])
    const token = tokens.get(name)
    if (token === undefined || token.endMillis <= now()) return refuse(403)
    switch (route) {
      case "GET database/creds/app":
        return yield* mint(token)
      case "GET database/static-creds/app": {
        const data = { username: statics.username, password: staticPassword, ttl: 3600 }
        return answer({ lease_id: "", lease_duration: 0, renewable: false, data })
      }
      case "POST sys/leases/renew":
        return renew(body)
      case "POST sys/leases/revoke":
        yield* drop(String(body["lease_id"]))
        return answer(undefined)
      case "POST auth/token/renew-self": {
        const lastMillis = token.bornMillis + (options.maximumTokenSeconds ?? 1e6) * 1000
        token.endMillis = Math.min(now() + tokenSeconds * 1000, lastMillis)
        const seconds = Math.floor((token.endMillis - now()) / 1000)
        return answer({ auth: { client_token: name, lease_duration: seconds, renewable: true } })
      }
      case "POST auth/token/revoke-self":
        return yield* endToken(name)
      default:
        return refuse(404)
    }
  })

  const expire = Effect.gen(function* () {
    for (const [name, { endMillis }] of tokens) if (endMillis <= now()) yield* endToken(name)
    for (const [id, { endMillis }] of leases) if (endMillis + graceSeconds * 1000 <= now()) yield* drop(id)
  })

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").replace(/^\/v1\//, "")
    const body = await text(request)
    requests.push(path)
    if (health === "hang") return void unanswered.add(response)
    const { status, json } =
      health === "down"
        ? refuse(503)
        : await respond(
            `${request.method} ${path}`,
            request.headers as Headers,
            body === "" ? {} : (JSON.parse(body) as Body),
          ).pipe(
            Effect.orElseSucceed(() => refuse(500)),
            Effect.provideService(Clock.Clock, clock),
            Effect.runPromise,
          )
    response.writeHead(status, { "content-type": "application/json" })
    response.end(json === undefined ? undefined : JSON.stringify(json))
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => void handle(request, response)
  const server =
    options.tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: options.tls.certificate, key: options.tls.key }, listener)
  const port = yield* LoopbackServer.listen(server)
  yield* Effect.forkScoped(Effect.repeat(Effect.orDie(expire), Schedule.spaced("1 second")))
  const scheme = options.tls === undefined ? "http" : "https"

  return {
    address: new URL(`${scheme}://127.0.0.1:${port}`),
    /** The paths of all requests, oldest first. */
    requests: requests as ReadonlyArray<string>,
    /** All secrets that were sent or handed out. */
    secrets: secrets as ReadonlyArray<string>,
    /** The users that have not been dropped. */
    users: () => [...leases.values()].map(({ user }) => user.username),
    tokens: () => tokens.size,
    /** The number of users that were created. */
    mints: () => mints,
    /** The connections that users still had when they were dropped, so connections that were cut off. */
    cutOff: () => cutOff,
    /** Drops the connections of requests that it has not answered. */
    setHealth: (next: Health) =>
      Effect.sync(() => {
        health = next
        for (const response of unanswered) response.destroy()
        unanswered.clear()
      }),
    /** Changes the password of the static role. */
    rotateStatic: Effect.map(database.setPassword(statics.username), (password) => {
      staticPassword = password
      secrets.push(password)
    }),
    /** Drops all users at once, as an operator can. */
    dropAll: Effect.suspend(() => Effect.forEach([...leases.keys()], drop, { discard: true })),
  }
})

type Headers = Readonly<Record<string, string | undefined>>
type Body = Readonly<Record<string, string | number>>

const answer = (json: unknown) => ({ status: json === undefined ? 204 : 200, json })
const refuse = (status: number) => ({ status, json: { errors: ["permission denied"] } })
