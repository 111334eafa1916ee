/** The contract of the REST API: what it answers, apart from how. `openapi.json` is made from it. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { PricesGroup } from "./Prices.ts"
import { SignInGroup } from "./SignIn.ts"

export class Api extends HttpApi.make("btc-price")
  .add(PricesGroup, SignInGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "Bitcoin price",
      version: "0.1.0",
      description:
        "The bitcoin price, sampled every five minutes. Every number says how old it is, where it came from and how complete it is; nothing is ever invented. Price data by [CoinGecko](https://www.coingecko.com).",
    }),
  ) {}
