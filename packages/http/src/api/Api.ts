/** The contract of the REST API: what it answers, apart from how. `openapi.json` is made from it. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { AveragesGroup } from "./Averages.ts"
import { GapsGroup } from "./Gaps.ts"
import { HistoryGroup } from "./History.ts"
import { LoginGroup } from "./Login.ts"
import { LegacyGroup } from "./Legacy.ts"
import { PricesGroup } from "./Prices.ts"
import { SignInGroup } from "./SignIn.ts"
import { SourcesGroup } from "./Sources.ts"

const description = `The bitcoin price, sampled every five minutes. Every number says how old it is, where it came from and how complete it is; nothing is ever invented.

**Under \`/v1\`**

- Amounts are exact decimals, as strings. Times are UTC in ISO 8601.
- Each answer has \`request_time\`, and \`data_time\`, the source's own time of the newest price in it (of gaps and sources: as described there).
- Prices stand at the start of their slot, five minutes of a grid that is the same for all.
- A parameter that is unknown, repeated or not valid is refused: a 400 problem names each, and what was expected.
- Errors are problems (RFC 9457) with a stable \`type\`.
- Answers may be kept by their caller until the next sample (\`Cache-Control\`), and asked for again with \`If-None-Match\`: 304 says that nothing has changed but the time.

Price data by [CoinGecko](https://www.coingecko.com) and others: each price names its source.`

export class Api extends HttpApi.make("btc-price")
  .add(
    PricesGroup,
    AveragesGroup,
    HistoryGroup,
    GapsGroup,
    SourcesGroup,
    LegacyGroup,
    SignInGroup,
    LoginGroup,
  )
  .annotateMerge(OpenApi.annotations({ title: "Bitcoin price", version: "0.1.0", description })) {}
