/** Headers of every answer, whoever writes it: they leave browsers nothing to guess, frame, embed or send on. */

/** The strictest, for what is data; a page says what it needs instead. */
const contentSecurityPolicy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A year. Other names of the domain are not ours to decide about. */
const strictTransportSecurity = "max-age=31536000"

/** `isSecure`: callers come by TLS, which browsers shall then insist on. */
export const make = (isSecure: boolean): Readonly<Record<string, string>> => ({
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  ...(isSecure ? { "strict-transport-security": strictTransportSecurity } : {}),
})
