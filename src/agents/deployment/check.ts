/** One thing that a release should have. */
export interface Check {
  name: string
  passed: boolean
  /** An error that did not pass stands in the way of a release; a warning should be looked at; info is for knowing. */
  severity: 'error' | 'warning' | 'info'
  detail: string
  file?: string
  /** 1-based. */
  line?: number
}

/** What a check is made of when it may pass or not. */
export function check(
  name: string,
  severity: Check['severity'],
  passed: boolean,
  detail: string,
  file?: string,
  line?: number,
): Check {
  return { name, passed, severity, detail, ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
}
