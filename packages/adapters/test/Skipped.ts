/** Says on standard error what this run leaves out, and why: vitest's own report only counts it. */
import process from "node:process"

/** Whether to skip `what`, for `reason`. */
export const skipped = (isSkipped: boolean, what: string, reason: string): boolean => {
  if (isSkipped) process.stderr.write(`skipped: ${what}: ${reason}\n`)
  return isSkipped
}
