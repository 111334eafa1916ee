/** The version of this service, as in every package.json and in the chart. */
export const version = "0.1.0"
