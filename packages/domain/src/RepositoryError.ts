/** The error of every repository and ledger. */
import * as Schema from "effect/Schema"

export class RepositoryError extends Schema.TaggedError<RepositoryError>()("RepositoryError", {
  /** `unavailable`: a retry may help. `rejected`: a retry will not help, because the repository is not as expected. */
  reason: Schema.Literals(["unavailable", "rejected"]),
  /** The operation that failed, such as `PriceRepository.record`. */
  operation: Schema.String,
  /** What failed and why, in one sentence for the person who operates this service. Contains no secret. */
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return this.detail ?? `${this.operation}: ${this.reason}`
  }
}
