import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider"
import * as CognitoRegion from "@btc-price/adapters/cognito/CognitoRegion"
import { assert, describe, it } from "@effect/vitest"

const regions = [
  "eu-central-1",
  "us-east-1",
  "ap-southeast-5",
  "us-gov-west-1",
  "cn-north-1",
  "cn-northwest-1",
  "eusc-de-east-1",
  "us-iso-east-1",
  "us-isob-east-1",
  "us-isof-south-1",
  "eu-isoe-west-1",
]

describe("CognitoRegion", () => {
  it.each(regions)("has the endpoint that the SDK chooses for %s", (region) => {
    const { endpointProvider } = new CognitoIdentityProviderClient({ region }).config
    const { url } = endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false })
    assert.strictEqual(`${CognitoRegion.endpointOf(region)}/`, url.href)
    assert.match(region, CognitoRegion.regionForm)
    assert.match(`${region}_AbCdEfGhI`, CognitoRegion.userPoolIdForm)
  })

  it.each([
    "local_4XyZ",
    "_x",
    "eu-central-1",
    "eu-central-1_",
    "EU-CENTRAL-1_x",
    "eu-central-1.evil_x",
    "evil.example/_x",
  ])("does not take %s for a user pool", (id) => assert.notMatch(id, CognitoRegion.userPoolIdForm))
})
