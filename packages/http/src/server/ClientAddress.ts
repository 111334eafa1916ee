/** The keys under which rate limits count a client's address. Behind trusted proxies, it is the address that they forward. */
import * as AddressKey from "@btc-price/domain/access/AddressKey"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"

/** The key of the IPv4 address, or of the /64 of the IPv6 address. */
export const keyOf = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string =>
  AddressKey.of(Option.getOrUndefined(remoteAddress))

/** The key of the site around an IPv6 address; undefined for other addresses. */
export const siteOf = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string | undefined =>
  AddressKey.ofSite(Option.getOrUndefined(remoteAddress))

/** The key of the client whose request is being handled; `unknown` if there is none. */
export const current: Effect.Effect<string> = Effect.map(
  Effect.serviceOption(HttpServerRequest.HttpServerRequest),
  Option.match({ onNone: () => "unknown", onSome: keyOf }),
)
