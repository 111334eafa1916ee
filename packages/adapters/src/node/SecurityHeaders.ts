/** Headers of every response. They stop browsers from sniffing, framing, embedding and sending a referrer. */

/** The strictest policy, for data. A page replaces it with the policy that it needs. */
const contentSecurityPolicy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** One year, without `includeSubDomains`, because this service does not decide for other names of the domain. */
const strictTransportSecurity = "max-age=31536000"

/** `isSecure`: clients use TLS, so browsers should insist on it. */
export const make = (isSecure: boolean): Readonly<Record<string, string>> => ({
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  ...(isSecure ? { "strict-transport-security": strictTransportSecurity } : {}),
})
