/** The contract of the REST API, without its implementation. `openapi.json` is generated from it. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { AveragesGroup } from "./Averages.ts"
import { GapsGroup } from "./Gaps.ts"
import { HistoryGroup } from "./History.ts"
import { LegacyGroup } from "./Legacy.ts"
import { LoginGroup } from "./Login.ts"
import * as OpenApiDocument from "./OpenApiDocument.ts"
import { PricesGroup } from "./Prices.ts"
import { MethodNotAllowed } from "./Problem.ts"
import { SealsGroup } from "./Seals.ts"
import { SignInGroup } from "./SignIn.ts"
import { SourcesGroup } from "./Sources.ts"

const description = `The bitcoin price, sampled every five minutes. Every number says how old it is, where it came from and how complete it is. Nothing is ever invented.
**Under \`/v1\`**

- Amounts are exact decimals, sent as strings. Times are UTC in ISO 8601.
- Each response has \`request_time\` and \`data_time\`. \`data_time\` is the source's own timestamp of the newest price in the response; gaps, seals and sources define their own.
- Each price belongs to a five-minute slot and counts from the start of that slot. All currencies share the same slots.
- An unknown, repeated or invalid parameter is rejected with a 400 problem that names the parameter and what was expected.
- Errors are RFC 9457 problems with a stable \`type\`.
- Clients may cache a response until the next sample (\`Cache-Control\`) and revalidate it with \`If-None-Match\`. A 304 means that nothing has changed except the time.

Price data by [CoinGecko](https://www.coingecko.com) and others: each price names its source.`

const groups = [
  SignInGroup,
  LoginGroup,
  PricesGroup,
  AveragesGroup,
  HistoryGroup,
  GapsGroup,
  SealsGroup,
  SourcesGroup,
  LegacyGroup,
] as const

export class Api extends HttpApi.make("btc-price")
  .add(...groups)
  .annotate(HttpApi.AdditionalSchemas, [MethodNotAllowed])
  .annotateMerge(
    OpenApi.annotations({
      title: "Bitcoin price",
      version: "0.1.0",
      description,
      license: { name: "All rights reserved" },
      servers: [{ url: "/", description: "The server of this document" }],
      transform: OpenApiDocument.complete(groups),
    }),
  ) {}
