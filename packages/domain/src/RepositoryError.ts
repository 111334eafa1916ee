/** The failure of everything that is kept. */
import * as Schema from "effect/Schema"

export class RepositoryError extends Schema.TaggedError<RepositoryError>()("RepositoryError", {
  /** `unavailable`: trying again may help. `rejected`: it will not; the repository is not as expected. */
  reason: Schema.Literals(["unavailable", "rejected"]),
  /** The operation that failed, such as `PriceRepository.record`. */
  operation: Schema.String,
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}
