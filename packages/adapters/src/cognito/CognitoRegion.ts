/** Where AWS serves Cognito, and which issuers its user pools write into tokens. */

/**
 * The form of a region's name. It must not be wider than the SDK's, because the name becomes a part of the host that a
 * password is sent to.
 */
const region = "[a-z]{2}(?:[a-z]{2})?(?:-[a-z]+){1,3}-\\d{1,2}"

export const regionForm = new RegExp(`^${region}$`)

/** The id of a user pool begins with its region. */
export const userPoolIdForm = new RegExp(`^${region}_[0-9A-Za-z]+$`)

/** The domain of each partition of AWS, by how its regions begin; the first that fits. Source: the SDK's partitions. */
const domains = [
  ["cn-", "amazonaws.com.cn"],
  ["eusc-", "amazonaws.eu"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["us-isof-", "csp.hci.ic.gov"],
  ["us-iso-", "c2s.ic.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
  ["", "amazonaws.com"],
] as const

const domainOf = (name: string): string => domains.find(([start]) => name.startsWith(start))?.[1] ?? ""

/** The endpoint of Cognito's API, as the SDK chooses it. */
export const endpointOf = (name: string): string => `https://${hostOf(name)}`

const hostOf = (name: string): string => `cognito-idp.${name}.${domainOf(name)}`

/** Where the signing keys of a user pool are published in this region. */
export const jwksUrlOf = (userPoolId: string, name: string): string =>
  `${endpointOf(name)}/${userPoolId}/.well-known/jwks.json`

/** The issuers of the pool's tokens: each region in which the pool is replicated writes either of two forms. */
export const issuersOf = (
  userPoolId: string,
  replicaRegions: ReadonlyArray<string> = [],
): ReadonlyArray<string> =>
  [homeOf(userPoolId), ...replicaRegions].flatMap((name) =>
    ["", "issuer-"].map((prefix) => `https://${prefix}${hostOf(name)}/${userPoolId}`),
  )

/** The region in which a pool was created. */
const homeOf = (userPoolId: string): string => userPoolId.split("_", 1)[0] ?? ""
