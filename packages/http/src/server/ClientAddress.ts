/** What a caller's address is to the limits. */
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** Whoever has one IPv6 address has all of its /64. */
const ipv6PrefixLength = 64

/**
 * An IPv4 address, also when it came as IPv6 (`::ffff:192.0.2.1`), or the /64 of an IPv6 address. Addresses that cannot
 * be read share one key. Behind trusted proxies it is the address that they forward.
 */
export const keyOf = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string =>
  remoteAddress.pipe(
    // A link-local address names its interface, too.
    Option.map((text) => NetAddress.ipFromString(text.split("%", 1)[0] ?? "")),
    Option.flatMap(Result.getSuccess),
    Option.map((address) => NetAddress.toCanonical(address)),
    Option.match({
      onNone: () => "unknown",
      onSome: (address) =>
        NetAddress.isIpv4Address(address)
          ? NetAddress.formatIp(address)
          : Result.match(IpNetwork.fromAddress(address, ipv6PrefixLength), {
              onFailure: () => "unknown",
              onSuccess: IpNetwork.format,
            }),
    }),
  )
