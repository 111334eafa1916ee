/** The text of `docs/settings.md`, made from the declarations and from the table of vendors. */
import { Currency } from "@btc-price/domain/Currency"
import type { Description } from "../vendor/Vendor.ts"
import * as Vendors from "../Vendors.ts"
import type { Program, Setting } from "./Setting.ts"
import { groups } from "./SettingDeclarations.ts"

type AnySetting = Setting<unknown, string | null, Program>

/** Markdown, with an end of line at its end. */
export const text = (): string =>
  [
    introduction,
    ...Object.entries(groups).map(([title, declarations]) =>
      section(title, table(settingColumns, Object.entries<AnySetting>(declarations).map(settingRow))),
    ),
    section("Vendors", vendors()),
  ].join("\n")

const introduction = `# Settings

<!-- \`npm run settings\` writes this file from the declarations in packages/adapters/src/settings. Do not edit it. -->

Settings are environment variables. A program reads them once, when it starts, and reports every setting that is missing, wrong or unsafe in one message, which never contains the value of a secret. A setting without a default is not set unless you set it. A setting that is set but empty is refused. White space around a value is ignored. The log warns of a variable whose name is one typing error away from a setting.

The programs refuse settings that would send secrets over a network in plaintext: an API on a public address with neither a certificate nor \`TLS_TERMINATED_UPSTREAM=on\`, \`http\` and \`redis\` URLs beyond loopback, and parameters in \`DATABASE_URL\`, because TLS is always on and verified beyond loopback.
`

const section = (title: string, body: string): string => `## ${title}\n\n${body}`

const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("")

const settingColumns = ["Setting", "Default", "Meaning", "Value"]

const settingRow = ([name, { fallback, meaning, expected, neededBy = [] }]: readonly [
  string,
  AnySetting,
]) => [`\`${name}\``, fallback === null ? requirement(neededBy) : `\`${fallback}\``, meaning, expected]

const requirement = (programs: ReadonlyArray<Program>): string =>
  programs.length === 0 ? "" : `required by ${programs.map((program) => programNames[program]).join(" and ")}`

const programNames: Readonly<Record<Program, string>> = {
  http: "the API",
  worker: "the worker",
  embedded: "the embedded program",
  command: "the worker's commands",
}

/** What each vendor has. */
const vendors = (): string =>
  [
    "A price is quoted if it comes from a market in its own currency, and derived if it comes from an exchange rate; every stored price says which. A source is not called for a currency in which it has no price.\n",
    table(
      ["Vendor", "Name", "Base URL", "Quoted", "Derived", "Past prices"],
      [...Vendors.sources, ...Vendors.histories].map((vendor) => [
        vendor.label,
        `\`${vendor.name}\``,
        vendor.baseUrl,
        markets(vendor),
        derived[vendor.derives],
        "history" in vendor ? ("source" in vendor ? "yes" : "only") : "",
      ]),
    ),
    `Exchange rates come from the Czech National Bank (\`${Vendors.banks[0].name}\`, ${Vendors.banks[0].baseUrl}), which fixes ${Vendors.banks[0].currencies.join(", ")}.\n`,
  ].join("\n")

const derived = { all: "other currencies", fixed: "other currencies that the bank fixes", none: "" }

const markets = ({ markets }: Description): string => {
  const others = Currency.literals.filter((currency) => !markets.includes(currency))
  return markets.length > others.length ? `all except ${others.join(", ")}` : markets.join(", ")
}
