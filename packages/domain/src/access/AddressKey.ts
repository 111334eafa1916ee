/** The keys under which limits count an address. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** A client that has one IPv6 address has the whole /64 around it. */
const networkPrefixLength = 64

/** A customer of a provider usually has a /48, which contains 65,536 of these networks. */
const sitePrefixLength = 48

/** The address, which is an IPv4 address even if it is mapped to IPv6 (`::ffff:192.0.2.1`). */
export const parse = (text: string | undefined): Option.Option<NetAddress.IpAddress> =>
  Option.fromNullishOr(text).pipe(
    // A link-local address ends with its interface, such as %eth0.
    Option.map((text) => NetAddress.ipFromString(text.split("%", 1)[0] ?? "")),
    Option.flatMap(Result.getSuccess),
    Option.map((address) => NetAddress.toCanonical(address)),
  )

/** The IPv4 address, or the /64 of the IPv6 address. All addresses that cannot be parsed share one key. */
export const of = (text: string | undefined): string =>
  Option.match(parse(text), {
    onNone: () => "unknown",
    onSome: (address) =>
      NetAddress.isIpv4Address(address)
        ? NetAddress.formatIp(address)
        : networkOf(address, networkPrefixLength),
  })

/** The key of the site around an IPv6 address; undefined for other addresses. */
export const ofSite = (text: string | undefined): string | undefined =>
  parse(text).pipe(
    Option.filter((address) => !NetAddress.isIpv4Address(address)),
    Option.map((address) => networkOf(address, sitePrefixLength)),
    Option.getOrUndefined,
  )

const networkOf = (address: NetAddress.IpAddress, prefixLength: number): string =>
  Result.match(IpNetwork.fromAddress(address, prefixLength), {
    onFailure: () => "unknown",
    onSuccess: IpNetwork.format,
  })
